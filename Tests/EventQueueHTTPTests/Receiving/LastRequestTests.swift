import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// What becomes of bytes behind the last request of a connection.
@Suite struct LastRequestTests {
    private let parsed = Parsed()
    private let channel = EmbeddedChannel()

    init() throws {
        try channel.pipeline.syncOperations.addHandlers([
            AnswerWriter(), HTTPResponseEncoder(), parsed, ByteToMessageHandler(HTTPRequestDecoder()), Forecourt(),
            GuardedChannel.guarding(),
        ])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// The parser wants to be taken out of its pipeline, and an answer to be written.
    private func end() {
        channel.flush()
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
        "CONNECT localhost:80 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    ])
    func `what comes behind a last request is not kept for a parser that has stopped`(request: String) throws {
        defer { end() }
        try channel.writeInbound(ByteBuffer(string: request))
        try channel.writeInbound(ByteBuffer(repeating: 0x78, count: 100_000))
        #expect(parsed.bytes == request.utf8.count)
    }

    @Test func `what comes behind a last answer is not kept either, while its peer takes it`() throws {
        defer { end() }
        let request = "GET / HTTP/1.1\r\n\r\n"
        try channel.writeInbound(ByteBuffer(string: request))
        channel.write(
            HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok, headers: ["connection": "close"])),
            promise: nil)
        channel.write(HTTPServerResponsePart.end(nil), promise: nil)
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))
        try channel.writeInbound(ByteBuffer(repeating: 0x78, count: 100_000))
        #expect(parsed.bytes == request.utf8.count)
    }
}

/// Counts the bytes that the parser is given.
private final class Parsed: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    var bytes = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
    }
}
