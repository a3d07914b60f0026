import Foundation

/// The service manager that started this process, as far as it wants to be told (sd_notify(3)).
///
/// Without one, or with one that does not ask, everything here does nothing.
struct Supervisor: Sendable {
    /// Where it listens: a path, or `@` and an abstract name.
    private let socket: String?
    /// How often it wants to hear that the service lives; `nil` when it does not.
    let watchdog: Duration?

    /// A manager that restarts itself takes messages late; waiting longer would stop the service's own work.
    private static let sendSecondsMax = 5

    /// - Parameter processID: Of this process: the watchdog may be meant for another one.
    init(_ environment: [String: String], processID: Int32) {
        socket = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = socket != nil && isOurs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The manager of this process. Whatever the process starts does not inherit it.
    static func take() -> Supervisor {
        defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }
        return Supervisor(ProcessInfo.processInfo.environment, processID: getpid())
    }

    /// The service can commit.
    @discardableResult
    func ready(_ status: String) -> Bool { send("READY=1\nSTATUS=\(Self.line(status))") }

    /// The service reads its configuration again; ``ready(_:)`` ends that.
    @discardableResult
    func reloading() -> Bool {
        // systemd takes only what was said after it asked (sd_notify(3)).
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return send("RELOADING=1\nMONOTONIC_USEC=\(Int(now.tv_sec) * 1_000_000 + Int(now.tv_nsec) / 1000)")
    }

    /// The service was asked to stop and does so.
    @discardableResult
    func stopping() -> Bool { send("STOPPING=1\nSTATUS=stopping") }

    /// The service lives.
    @discardableResult
    func alive() -> Bool { send("WATCHDOG=1") }

    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// Returns whether the manager has it.
    private func send(_ message: String) -> Bool {
        guard let socket, let address = UnixAddress(socket) else { return false }
        let descriptor = UnixAddress.datagramSocket()
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: Self.sendSecondsMax, tv_usec: 0)
        _ = setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let bytes = Array(message.utf8)
        let sent = address.withPointer { pointer, length in
            bytes.withUnsafeBytes { sendto(descriptor, $0.baseAddress, $0.count, 0, pointer, length) }
        }
        return sent == bytes.count
    }
}

/// The address of a socket in the file system or, on Linux, in the abstract name space (unix(7)).
struct UnixAddress {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// - Parameter name: A path, or `@` and an abstract name; `nil` for one that is too long.
    init?(_ name: String) {
        var bytes = Array(name.utf8)
        let isAbstract = name.hasPrefix("@")
        if isAbstract { bytes[0] = 0 }
        // A path ends with a zero byte, an abstract name with the address.
        guard bytes.count > 1, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let head = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 0
        length = socklen_t(head + bytes.count + (isAbstract ? 0 : 1))
    }

    /// Calls `body` with the address as the system calls take it.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// A socket for datagrams that no child inherits; negative when there is none.
    static func datagramSocket() -> Int32 {
        #if canImport(Glibc) || canImport(Musl)
            let kind = Int32(SOCK_DGRAM.rawValue)
        #else
            let kind = SOCK_DGRAM
        #endif
        let descriptor = Foundation.socket(AF_UNIX, kind, 0)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }
}
