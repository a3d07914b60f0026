import EventQueue
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

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
        // After each reading it is asked whether more is wanted. An ordinary request comes in one.
        try? channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        let bytesMax = settings.value.headerBytesMax
        let parsing = HTTP1Channel.Configuration(
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: bytesMax, maxHeaderListSize: bytesMax,
                maxHeaderFieldCount: settings.value.headerFieldsMax))
        let connection = HTTP1Channel(responder: responder, configuration: parsing)
        return connection.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let guarding = ConnectionGuard(settings: settings, connections: connections)
            let receiving = WebhookHandler(
                reception: reception, mailbox: mailboxes.mailbox(of: channel.eventLoop))
            try pipeline.addHandler(AnswerWriter(), position: .first)
            try pipeline.addHandlers([Forecourt(), guarding, receiving], position: .after(parser))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await HTTP1Channel(responder: responder).handle(value: value, logger: logger)
    }
}
