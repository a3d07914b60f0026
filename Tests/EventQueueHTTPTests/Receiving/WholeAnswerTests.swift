import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// What an answer in one piece looks like on the wire.
@Suite struct WholeAnswerTests {
    /// What NIO makes of the same answer in parts.
    private static func encoded(_ answer: Answer, isHeadOnly: Bool) throws -> String {
        let channel = EmbeddedChannel(handlers: [AnswerWriter(), HTTPResponseEncoder()])
        var fields = HTTPHeaders(answer.fields.map { ($0.name, $0.value) })
        fields.add(name: "Content-Length", value: "\(answer.body.count)")
        fields.add(name: "Date", value: "Sun, 06 Nov 1994 08:49:37 GMT")
        if answer.closes { fields.add(name: "connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: answer.status)
        channel.write(
            HTTPServerResponsePart.head(.init(version: .http1_1, status: status, headers: fields)), promise: nil)
        if !isHeadOnly {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: answer.body))), promise: nil)
        }
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        return try written(channel).joined()
    }

    private static func written(_ channel: EmbeddedChannel) throws -> [String] {
        var parts: [String] = []
        while case .byteBuffer(let part)? = try channel.readOutbound(as: IOData.self) {
            parts.append(String(buffer: part))
        }
        return parts
    }

    @Test(
        arguments: [200, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 431, 500, 501, 503, 505, 507, 599],
        [true, false])
    func `it has the bytes that its parts would have`(status: Int, isWhole: Bool) throws {
        var answer = Answer.json(status, ["error": "x"]).with("Retry-After", "1")
        if !isWhole { answer = answer.closing() }
        let whole = WholeAnswer(answer, isHeadOnly: !isWhole, date: "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(
            try String(buffer: whole.bytes(ByteBufferAllocator())) == Self.encoded(answer, isHeadOnly: !isWhole))
    }

    @Test func `it goes out in its turn behind what was written in parts`() throws {
        let channel = EmbeddedChannel(handlers: [AnswerWriter()])
        channel.write(IOData.byteBuffer(ByteBuffer(string: "before ")), promise: nil)
        let written = channel.eventLoop.makePromise(of: Void.self)
        channel.pipeline.syncOperations.triggerUserOutboundEvent(
            WholeAnswer(Answer(status: 200)), promise: written)
        #expect(try Self.written(channel) == ["before ", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        try written.futureResult.wait()
    }
}
