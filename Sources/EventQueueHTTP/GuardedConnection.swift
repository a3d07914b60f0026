import EventQueue
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// What NIO's pipelining, which lets in one request at a time, does not do as it is needed here.
///
/// It would close under Hummingbird's hands when the order to end comes: that is led around it. And it stops reading
/// while an answer is owed, which costs each request two calls of the kernel, to look away from its socket and to look
/// again. So there is read on until something has come that must wait; it is held as before, and no more is read then.
private final class Forecourt: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart

    private let destination: ConnectionGuard
    /// Requests that have come to their end, and those that are answered.
    private var asked = 0
    private var answered = 0
    private var isBetween = true

    init(to destination: ConnectionGuard) { self.destination = destination }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            destination.handOn(event)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) {
            asked += 1
            isBetween = true
        } else {
            isBetween = false
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isBetween, asked - answered == 1 { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { answered += 1 }
        context.write(data, promise: promise)
    }
}

/// Hummingbird's HTTP/1 connection with a ``ConnectionGuard`` and a ``WebhookHandler`` behind its parser.
///
/// Its parser is made for each connection, with the bounds that hold when the connection comes.
struct GuardedConnection: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let responder: HTTPChannelHandler.Responder
    let reception: Reception
    let settings: Current<Limits.Settings>
    let connections: Connections
    let mailboxes = Mailboxes()

    /// Keeps a reader on the same machine busy; more helps only over long distances.
    private static let sendBufferBytes: SocketOptionValue = 64 << 10

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        // What is written and not taken lies in the kernel, which would give each connection megabytes: a peer that asks
        // and asks and never reads could have so much answered at our cost.
        try? channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: Self.sendBufferBytes)
        let bytesMax = settings.value.headerBytesMax
        let parsing = HTTP1Channel.Configuration(
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: bytesMax, maxHeaderListSize: bytesMax,
                maxHeaderFieldCount: settings.value.headerFieldsMax))
        let connection = HTTP1Channel(responder: responder, configuration: parsing)
        return connection.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            // What is asked behind an answer that ends the connection must not be carried out: nobody would hear of it.
            let oneByOne = HTTPServerPipelineHandler()
            let guarding = ConnectionGuard(settings: settings, connections: connections)
            let receiving = WebhookHandler(
                reception: reception, mailbox: mailboxes.mailbox(of: channel.eventLoop))
            try pipeline.addHandlers(
                [Forecourt(to: guarding), oneByOne, guarding, receiving], position: .after(parser))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await HTTP1Channel(responder: responder).handle(value: value, logger: logger)
    }
}
