import Foundation

@testable import OrgLoopQueueCommand

/// A service manager's end of sd_notify: a real datagram socket.
///
/// `@unchecked` because it is read on one queue only.
final class NotifySocket: @unchecked Sendable {
    struct Failure: Error { let code = errno }

    /// What a service gets in `NOTIFY_SOCKET`.
    let name: String
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "notify socket")

    /// - Parameter name: A path, or `@` and an abstract name.
    init(_ name: String) throws {
        self.name = name
        descriptor = UnixAddress.datagramSocket()
        guard descriptor >= 0, let address = UnixAddress(name) else { throw Failure() }
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0 else { throw Failure() }
    }

    deinit { close(descriptor) }

    /// The next message; `nil` when none comes within `seconds`.
    func receive(within seconds: Double = 20) async -> String? {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                var patience = timeval()
                patience.tv_sec = time_t(seconds)
                patience.tv_usec = suseconds_t(seconds.truncatingRemainder(dividingBy: 1) * 1e6)
                setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                continuation.resume(returning: count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil)
            }
        }
    }
}
