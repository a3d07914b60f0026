import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// When a connection reads on from its socket, and lets in what it has read.
@Suite struct ForecourtTests {
    private let reads = Reads()
    private let arrivals = Arrivals()
    private let channel = EmbeddedChannel()

    init() throws {
        try channel.pipeline.syncOperations.addHandlers([
            reads, Forecourt(), GuardedChannel.guarding(), arrivals,
        ])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        reads.count = 0
    }

    private func ask(times: Int) {
        for _ in 1...times {
            channel.pipeline.fireChannelRead(
                HTTPServerRequestPart.head(.init(version: .http1_1, method: .GET, uri: "/")))
            channel.pipeline.fireChannelRead(HTTPServerRequestPart.end(nil))
        }
        channel.pipeline.fireChannelReadComplete()
        channel.pipeline.read()
    }

    private func answer() {
        channel.write(HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok)), promise: nil)
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }

    @Test func `while one request is answered there is read on, for most peers ask nothing more meanwhile`() {
        ask(times: 1)
        #expect(reads.count == 1)
    }

    @Test func `behind a request that must wait nothing more is read until it has its turn`() {
        ask(times: 2)
        #expect(reads.count == 0)
        answer()
        #expect(reads.count == 0)
        answer()
        #expect(reads.count == 1)
    }

    @Test func `nothing is read from a peer that does not take its answers, until it takes them`() {
        channel.isWritable = false
        ask(times: 1)
        answer()
        #expect(reads.count == 0)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(reads.count == 1)
    }

    @Test func `what waits has its turn only when the peer takes its answers, and nothing goes before it`() {
        ask(times: 3)
        channel.isWritable = false
        answer()
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidVersion)
        channel.pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(arrivals.count == 1)
        #expect(!arrivals.haveEnded)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(arrivals.count == 2)
        #expect(reads.count == 0)
        answer()
        #expect(arrivals.count == 3)
        #expect(reads.refusals == 0)
        #expect(!arrivals.haveEnded)
        answer()
        #expect(reads.refusals == 1)
    }

    @Test func `behind what waited for a peer to take its answers there is read on`() {
        ask(times: 2)
        channel.isWritable = false
        answer()
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(reads.count == 0)
        answer()
        #expect(reads.count == 1)
    }

    @Test func `that a peer sends no more is heard when all that it is answered is with the kernel`() {
        ask(times: 1)
        channel.write(HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok)), promise: nil)
        channel.write(HTTPServerResponsePart.end(nil), promise: nil)
        channel.pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!arrivals.haveEnded)
        channel.flush()
        #expect(arrivals.haveEnded)
    }

    @Test func `of more than may wait the one too many is refused, when everything before it is answered`() {
        let count = 11_000
        ask(times: count)
        var answered = 0
        while reads.refusals == 0, answered < count {
            answer()
            answered += 1
        }
        #expect(reads.refusals == 1)
        #expect(answered < count)
        #expect(arrivals.count == answered)
    }
}

/// Counts how often the socket would be read, and what goes out in one piece.
private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart

    var count = 0
    var refusals = 0

    func read(context: ChannelHandlerContext) { count += 1 }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        if event is WholeAnswer { refusals += 1 }
        promise?.succeed()
    }
}

/// Counts the requests that are let in.
private final class Arrivals: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    var count = 0
    /// Whether it was heard that nothing more comes.
    var haveEnded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { count += 1 }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { haveEnded = true }
    }
}
