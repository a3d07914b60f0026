import Foundation

/// What it costs to have 4 KiB on disk, written and waited for.
struct SyncCost {
    /// Where the bytes go.
    enum Place: Sendable {
        /// Over others of a file that has its length, as a write-ahead log in its steady state does.
        case overwritten
        /// Behind the end of a file, whose length is to be on disk as well.
        case appended
    }

    private let overwritten: Int32
    private let appended: Int32
    private static let bytes = [UInt8](repeating: 0x5A, count: 4096)
    /// As many pages as a write-ahead log has before it begins anew.
    private static let pages = 1000

    /// - Parameter directory: The one that the database is in; the files are left to whoever removes the directory.
    init(in directory: String) throws {
        overwritten = open(directory + "/sync-overwritten", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        appended = open(directory + "/sync-appended", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard overwritten >= 0, appended >= 0 else { throw Self.failure(errno) }
        for _ in 0..<Self.pages {
            guard Foundation.write(overwritten, Self.bytes, Self.bytes.count) == Self.bytes.count else {
                throw Self.failure(errno)
            }
        }
        guard fsync(overwritten) == 0 else { throw Self.failure(errno) }
    }

    func close() {
        Foundation.close(overwritten)
        Foundation.close(appended)
    }

    /// Writes and waits, `count` times.
    ///
    /// - Returns: Microseconds of each.
    func measure(_ count: Int, _ place: Place) throws -> [Double] {
        let clock = ContinuousClock()
        return try (0..<count).map { number in
            let begin = clock.now
            let isWritten =
                switch place {
                case .overwritten: write(over: number % Self.pages) && sync(overwritten) == 0
                case .appended: append() && sync(appended) == 0
                }
            guard isWritten else { throw Self.failure(errno) }
            return begin.duration(to: clock.now) / .microseconds(1)
        }
    }

    private func write(over page: Int) -> Bool {
        pwrite(overwritten, Self.bytes, Self.bytes.count, off_t(page * Self.bytes.count)) == Self.bytes.count
    }

    private func append() -> Bool { Foundation.write(appended, Self.bytes, Self.bytes.count) == Self.bytes.count }

    private func sync(_ descriptor: Int32) -> Int32 {
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
