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

    static func exchange(port: Int, _ text: String) async throws -> String {
        try await RawConnection(port: port).exchange(text)
    }
}
