import EventQueueHTTP
import NIOCore
import NIOHTTP1
import NIOPosix

/// ``Responder`` in a process of its own: NIO's HTTP decoder and an answer that was written down beforehand, the most
/// that a server with that decoder can do here.
struct ResponderPeer: Peer {
    private let program: ReadyProgram
    let form: SignedRequestForm

    var port: Int { program.port }
    var usage: ProcessUsage? { program.usage }

    func stop() { program.stop() }

    static func start(in scratch: BenchScratch) async throws -> ResponderPeer {
        let order = SpawnedProgram.Order(
            words: [try BenchService.path(), "bench", BenchResponderCommand.name], environment: scratch.environment,
            errors: scratch.path("responder.log"))
        let program = try await ReadyProgram.start(order, in: scratch)
        let form = SignedRequestForm(
            host: "\(BenchService.host):\(program.port)", source: ServicePlace.source, secret: TokenFile.makeToken())
        return ResponderPeer(program: program, form: form)
    }
}

/// A server that answers 200 to whatever it is sent, with bytes that were written down beforehand.
///
/// Requests go through NIO's HTTP decoder, and nothing else is done for them: no head is made or encoded, no header is
/// looked at, no body is kept, and neither pipelining nor a faulty request is provided for. So it is as fast as a
/// server with that decoder can be here.
enum Responder {
    /// Serves until the process ends.
    ///
    /// - Parameter onReady: Called with the port.
    static func serve(_ onReady: (Int) throws -> Void) async throws {
        DescriptorLimit.raise(for: LoadPlan.connectionsMax)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)), Answering())
                }
            }
            .bind(host: BenchService.host, port: 0).get()
        try onReady(channel.localAddress?.port ?? 0)
        try await channel.closeFuture.get()
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = ByteBuffer

        /// What every request is answered, head and body.
        private static let answer: ByteBuffer = {
            let body = #"{"ok":true,"event_id":"evt_0000000000000000"}"#
            let head = [
                "HTTP/1.1 200 OK", "Content-Type: application/json", "Content-Length: \(body.utf8.count)", "", "",
            ]
            return ByteBuffer(string: head.joined(separator: "\r\n") + body)
        }()

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            context.writeAndFlush(wrapOutboundOut(Self.answer), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
