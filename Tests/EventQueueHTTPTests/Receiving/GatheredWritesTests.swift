import NIOCore
import NIOEmbedded
import Testing

@testable import EventQueueHTTP

/// How an answer goes to the kernel.
@Suite struct GatheredWritesTests {
    private let channel = EmbeddedChannel()

    init() throws {
        try channel.pipeline.syncOperations.addHandler(GatheredWrites())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func write(_ text: String) -> EventLoopFuture<Void> {
        channel.write(IOData.byteBuffer(ByteBuffer(string: text)))
    }

    private func written() throws -> [String] {
        var parts: [String] = []
        while case .byteBuffer(let part)? = try channel.readOutbound(as: IOData.self) {
            parts.append(String(buffer: part))
        }
        return parts
    }

    @Test func `what is written before a flush goes in one piece, and each part hears that it went`() throws {
        let parts = ["head ", "body", ""].map(write)
        #expect(try written().isEmpty)
        channel.flush()
        #expect(try written() == ["head body"])
        for part in parts { try part.wait() }
        channel.flush()
        #expect(try written().isEmpty)
    }

    @Test func `a long part goes as it is, and in its turn`() throws {
        let long = String(repeating: "x", count: 3000)
        let parts = ["head", long, "end"].map(write)
        channel.flush()
        #expect(try written() == ["head", long, "end"])
        for part in parts { try part.wait() }
    }
}
