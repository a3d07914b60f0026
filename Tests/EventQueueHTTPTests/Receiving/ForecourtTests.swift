import EventQueue
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// When a connection reads on from its socket.
@Suite struct ForecourtTests {
    private let reads = Reads()
    private let channel = EmbeddedChannel()

    init() throws {
        let limits = Limits.Settings()
        let guarding = ConnectionGuard(settings: Current(limits), connections: GuardedChannel.connections(limits))
        try channel.pipeline.syncOperations.addHandlers([
            reads, Forecourt(), guarding,
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
}

/// Counts how often the socket would be read.
private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart

    var count = 0

    func read(context: ChannelHandlerContext) { count += 1 }
}
