import NIOCore
import NIOHTTP1
import NIOPosix

/// A server that answers 200 to whatever it is sent.
enum Responder {
    /// Serves until the process ends.
    ///
    /// - Parameter onReady: Called with the port.
    static func serve(_ onReady: (Int) throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Nobody pipelines here, and nobody errs.
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withPipeliningAssistance: false, withErrorHandling: false)
                    try channel.pipeline.syncOperations.addHandler(Answering())
                }
            }
            .bind(host: BenchService.host, port: 0).get()
        try onReady(channel.localAddress?.port ?? 0)
        try await channel.closeFuture.get()
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let body = ByteBuffer(string: #"{"ok":true,"event_id":"evt_0000000000000000"}"#)
        private lazy var head = HTTPResponseHead(
            version: .http1_1, status: .ok,
            headers: ["Content-Type": "application/json", "Content-Length": "\(body.readableBytes)"])

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
