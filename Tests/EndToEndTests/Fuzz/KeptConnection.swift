import Foundation

/// One HTTP connection that is kept for many requests, which is how thousands of bodies take seconds.
///
/// It blocks: use it on a thread of its own.
final class KeptConnection {
    /// What was answered.
    struct Reply: Sendable {
        let status: Int
        let body: [UInt8]
    }

    /// Why there is no answer.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let port: Int
    private var descriptor: Int32 = -1
    /// What was read behind the last answer.
    private var unread: [UInt8] = []

    init(port: Int) { self.port = port }

    deinit { hangUp() }

    /// Sends `body` and reads the whole answer.
    func post(_ path: String, headers: [(name: String, value: String)] = [], body: [UInt8]) throws -> Reply {
        if descriptor < 0 { try connect() }
        let fields = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        let head = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\(fields)\r\n"
        try write(Array(head.utf8) + body)
        let answer = try readHead()
        let length = answer.field("content-length").flatMap { Int($0) } ?? 0
        while unread.count < length { try readMore() }
        let reply = Reply(status: answer.status, body: Array(unread.prefix(length)))
        unread.removeFirst(length)
        if answer.field("connection") == "close" { hangUp() }
        return reply
    }

    private struct Head {
        let status: Int
        let lines: [Substring]

        func field(_ name: String) -> String? {
            let line = lines.first { $0.lowercased().hasPrefix(name + ":") }
            return line.map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
        }
    }

    private func readHead() throws -> Head {
        let mark = Array("\r\n\r\n".utf8)
        while true {
            if let end = unread.firstRange(of: mark) {
                let lines = String(decoding: unread[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
                unread.removeFirst(end.upperBound)
                let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                guard let status else { throw Failure(description: "no status in \(lines)") }
                return Head(status: status, lines: lines)
            }
            try readMore()
        }
    }

    private func readMore() throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Failure(description: "no answer: \(String(cString: strerror(errno)))") }
        unread += buffer[..<count]
    }

    private func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw Failure(description: "cannot send: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    private func connect() throws {
        #if canImport(Darwin)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        descriptor = socket(AF_INET, stream, 0)
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Failure(description: "cannot connect to \(port)") }
    }

    private func hangUp() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        (descriptor, unread) = (-1, [])
    }
}
