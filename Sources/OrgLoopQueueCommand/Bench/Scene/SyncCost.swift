import Foundation

/// What it costs to have 4 KiB on disk: appended to a file, and waited for.
struct SyncCost {
    private let descriptor: Int32
    private static let bytes = [UInt8](repeating: 0x5A, count: 4096)

    /// - Parameter directory: The one that the database is in; the file is left to whoever removes the directory.
    init(in directory: String) throws {
        descriptor = open(directory + "/sync", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(errno) }
    }

    func close() { Foundation.close(descriptor) }

    /// Appends and waits, `count` times.
    ///
    /// - Returns: Microseconds of each.
    func measure(_ count: Int) throws -> [Double] {
        let clock = ContinuousClock()
        return try (0..<count).map { _ in
            let begin = clock.now
            guard write(descriptor, Self.bytes, Self.bytes.count) == Self.bytes.count, sync() == 0 else {
                throw Self.failure(errno)
            }
            return begin.duration(to: clock.now) / .microseconds(1)
        }
    }

    private func sync() -> Int32 {
        #if canImport(Darwin)
            fcntl(descriptor, F_FULLFSYNC)
        #else
            fdatasync(descriptor)
        #endif
    }

    private static func failure(_ code: Int32) -> CommandFailure {
        CommandFailure(
            message: "cannot write in the scratch directory: \(String(cString: strerror(code)))",
            mend: "Make room there, or name another --directory.")
    }
}
