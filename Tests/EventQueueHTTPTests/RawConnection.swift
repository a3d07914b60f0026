import NIOCore
import NIOPosix

/// A bare socket, for what no well-behaved client sends.
struct RawConnection {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    init(port: Int) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
    }

    /// Sends `text` and returns everything that comes until the other side closes.
    func exchange(_ text: String) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ""
            do {
                for try await part in inbound { answer += String(buffer: part) }
            } catch is IOError {
                // A reset after the answer ends it as a close does.
            }
            return answer
        }
    }

    /// Sends `text` byte by byte with a `pause` behind each, and returns what comes until the other side closes.
    ///
    /// - Parameter head: What is sent before it, at once.
    func dripping(_ text: String, pause: Duration, behind head: String = "") async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: head))
            let dripping = Task {
                for byte in text.utf8 {
                    try await outbound.write(ByteBuffer(bytes: [byte]))
                    try await Task.sleep(for: pause)
                }
            }
            defer { dripping.cancel() }
            var answer = ""
            do {
                for try await part in inbound { answer += String(buffer: part) }
            } catch is IOError {
                // A reset after the answer ends it as a close does.
            }
            return answer
        }
    }

    /// Sends `text`, then neither sends nor reads until the task is cancelled.
    func stalling(after text: String) async throws {
        try await channel.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: text))
            for await _ in AsyncStream<Never>.makeStream().stream {}
        }
    }

    /// Sends `text`, says that nothing follows, and returns what comes until the other side closes.
    func cutting(_ text: String) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            outbound.finish()
            var answer = ""
            for try await part in inbound { answer += String(buffer: part) }
            return answer
        }
    }

    /// Sends requests over this one connection, each when the answer to the one before is there.
    func conversing<Result>(_ body: (inout Conversation) async throws -> Result) async throws -> Result {
        try await channel.executeThenClose { inbound, outbound in
            var conversation = Conversation(answers: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&conversation)
        }
    }

    /// One connection that stays open.
    struct Conversation {
        struct Ended: Error {}

        fileprivate var answers: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

        /// Sends one request and returns the status of its answer.
        ///
        /// - Throws: ``Ended`` when the other side closes instead.
        mutating func status(of request: String) async throws -> Int {
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            while !Self.isWhole(text) {
                guard let part = try await answers.next() else { throw Ended() }
                text += String(buffer: part)
            }
            return Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
        }

        private static func isWhole(_ text: String) -> Bool {
            guard let head = text.firstRange(of: "\r\n\r\n") else { return false }
            let lines = text[..<head.lowerBound].split(separator: "\r\n").map { $0.lowercased() }
            let length = lines.first { $0.hasPrefix("content-length: ") }.flatMap { Int($0.dropFirst(16)) } ?? 0
            return text[head.upperBound...].utf8.count >= length
        }
    }

    static func exchange(port: Int, _ text: String) async throws -> String {
        try await RawConnection(port: port).exchange(text)
    }
}
