import Foundation

/// One HTTP connection that is kept for many requests, which is how thousands of bodies take seconds.
///
/// It blocks: use it on a thread of its own.
package final class KeptConnection {
    /// What was answered.
    package struct Reply: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    /// Why there is no answer.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let port: Int
    private var socket: RawSocket?
    /// What was read behind the last answer.
    private var unread: [UInt8] = []

    package init(port: Int) { self.port = port }

    /// Sends `body` and reads the whole answer.
    package func post(_ path: String, headers: [(name: String, value: String)] = [], body: [UInt8]) throws -> Reply {
        let socket = try self.socket ?? RawSocket(port: port)
        self.socket = socket
        let fields = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        let head = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\(fields)\r\n"
        socket.write(Array(head.utf8) + body)
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
        let part = try socket?.read() ?? []
        guard !part.isEmpty else { throw Failure(description: "the connection ended before the answer did") }
        unread += part
    }

    /// Closes it; the next request makes a new one.
    package func hangUp() { (socket, unread) = (nil, []) }
}
