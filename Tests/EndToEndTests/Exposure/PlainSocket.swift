import Foundation

/// One request over one connection, to the byte: no client of a library sends a path as it is written.
enum PlainSocket {
    struct Failure: Error {}

    /// Sends `text` and returns everything that comes until the other side closes; empty when it says nothing.
    static func exchange(port: Int, _ text: String) throws -> String {
        let descriptor = makeSocket()
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard withAddress(port, { Foundation.connect(descriptor, $0, $1) }) == 0 else { throw Failure() }
        // A peer that has heard enough closes early; what it answered is there nevertheless.
        _ = Array(text.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer[..<count]
        }
    }

    /// A port of the loopback address that nobody listens on now.
    static func freePort() throws -> Int {
        let descriptor = makeSocket()
        defer { close(descriptor) }
        guard withAddress(0, { bind(descriptor, $0, $1) }) == 0 else { throw Failure() }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { throw Failure() }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    #if canImport(Darwin)
        private static let flags: Int32 = 0
        private static func makeSocket() -> Int32 { socket(AF_INET, SOCK_STREAM, 0) }
    #else
        private static let flags = Int32(MSG_NOSIGNAL)
        private static func makeSocket() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
    #endif

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
