import EventQueue
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A request's body did not arrive in time.
struct BodyTimeout: Error {}

/// Gives every phase of a connection a deadline, so that a stalled or slow peer costs a socket for
/// seconds and not for ever.
///
/// Hummingbird's own idle timeout starts anew with every part of a body, closes without an answer and
/// does not see a peer that never reads; a client that said `Connection: close` and stays would be
/// waited for without end.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// An answer of the largest batch passes a busy reader in far less.
    private static let answerTimeout: TimeAmount = .seconds(30)
    /// Long enough for a reader that is busy, short enough for a sender that waits for the place.
    private static let answerPatience: TimeAmount = .seconds(1)
    /// Enough for a peer on the same continent to read an answer it did not wait for.
    private static let lingerTime: TimeAmount = .seconds(1)

    private let settings: Current<Limits.Settings>
    private let connections: Connections
    private var context: ChannelHandlerContext?
    /// Of the head or the body that the peer owes.
    private var requestDeadline: Scheduled<Void>?
    /// Of the answer that the peer has not taken yet. It runs beside the other one: whoever asks and asks without ever
    /// reading is not waited for longer than others.
    private var answerDeadline: Scheduled<Void>?
    /// Whether a request was taken whose answer is not given yet.
    private var isOpen = false
    private var isReading = false
    /// Answers that are begun and not with the kernel to their end yet.
    private var answersUnwritten = 0
    /// Whether the peer has not taken one of them for a while.
    private var isUntaken = false
    /// A connection that is kept open for more may end without one.
    private var hasAsked = false
    /// Whether the request that is open is the last one that is answered, or was.
    private var isLast = false
    /// Whether what still comes is thrown away. It is read nevertheless: closing a socket with unread input
    /// resets it, and the reset may overtake the answer.
    private var ignoresInput = false

    init(settings: Current<Limits.Settings>, connections: Connections) {
        self.settings = settings
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connections.add(context.channel)
        if context.channel.isActive { awaitHead(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        disarm()
    }

    /// Hands an event to those behind, as if it had come by those before.
    func handOn(_ event: Any) { context?.fireUserInboundEventTriggered(event) }

    func channelActive(context: ChannelHandlerContext) {
        awaitHead(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        connections.remove(context.channel)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { connections.inputEnded(context.channel) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isLast, !isOpen { ignoresInput = true }
        guard !ignoresInput else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            hasAsked = true
            if let refusal = BadHead.refusal(of: head) { return refuse(refusal, context) }
            isOpen = true
            isReading = true
            isLast = Self.isLast(head)
            inviteBody(of: head, context)
            enter(.awaitingBody, context)
            awaitBody(context)
        case .body:
            break
        case .end:
            isReading = false
            requestDeadline?.cancel()
            if isOpen { enter(.answering, context) } else { awaitHead(context) }
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One broken head makes several errors, and whatever comes behind the last request is one, too.
        guard !ignoresInput, isOpen || !isLast else { return }
        let refusal = BadHead.refusal(parsing: error)
        if !isReading, let refusal { return refuse(refusal, context) }
        if let refusal { connections.metrics.refused(refusal) }
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            // Not only from its end on: the end of a large answer is not written before its reader has begun.
            if answersUnwritten == 0 { awaitReader(context) }
            answersUnwritten += 1
            isLast = isLast || Self.closes(head.headers) || connections.isCrowded(context.channel)
            if isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            isOpen = false
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenSuccess { self.answerWritten(context) }
            context.write(data, promise: written)
        case .head, .body:
            context.write(data, promise: promise)
        }
    }

    private func answerWritten(_ context: ChannelHandlerContext) {
        answersUnwritten -= 1
        isUntaken = false
        guard answersUnwritten == 0 else { return awaitReader(context) }
        if isOpen {
            enter(isReading ? .awaitingBody : .answering, context)
        } else if isLast {
            ignoresInput = true
            context.close(mode: .output, promise: nil)
            enter(.leaving, context)
            awaitRequest(context, for: Self.lingerTime) { $0.close(promise: nil) }
        } else if !isReading {
            awaitHead(context)
        }
        answerDeadline?.cancel()
    }

    /// Looks at nothing more that comes.
    private func refuse(_ refusal: Answer, _ context: ChannelHandlerContext) {
        connections.metrics.refused(refusal)
        ignoresInput = true
        isLast = true
        let fields = refusal.fields.map { ($0.name, $0.value) } + [("Content-Length", "\(refusal.body.count)")]
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: refusal.status), headers: HTTPHeaders(fields))
        write(context: context, data: wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: refusal.body)))), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
    }

    /// A client that asks whether it may send its body waits a second for the word.
    private func inviteBody(of head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard head.version == .http1_1, head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" })
        else { return }
        let length = head.headers["content-length"].first.map { DeclaredLength.bytes($0) } ?? 0
        guard length <= settings.value.bodyBytesMax else { return }
        context.writeAndFlush(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    private func awaitHead(_ context: ChannelHandlerContext) {
        enter(.awaitingHead, context)
        awaitRequest(context, for: TimeAmount(settings.value.headTimeout)) { context in
            if !self.hasAsked { self.connections.metrics.refused(.headTimeout) }
            context.close(promise: nil)
        }
    }

    private func awaitBody(_ context: ChannelHandlerContext) {
        awaitRequest(context, for: TimeAmount(settings.value.bodyTimeout)) { context in
            self.awaitRequest(context, for: Self.answerTimeout) { $0.close(promise: nil) }
            context.fireErrorCaught(BodyTimeout())
        }
    }

    private func awaitRequest(
        _ context: ChannelHandlerContext, for time: TimeAmount, orElse act: @escaping (ChannelHandlerContext) -> Void
    ) {
        requestDeadline?.cancel()
        requestDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { act(context) }
    }

    /// A peer that reads takes what it is given; one that does not may make room, and is not waited for without end.
    private func awaitReader(_ context: ChannelHandlerContext) {
        answerDeadline?.cancel()
        let loop = context.eventLoop.assumeIsolated()
        answerDeadline = loop.scheduleTask(in: Self.answerPatience) {
            self.enter(.answerUntaken, context)
            self.isUntaken = true
            self.answerDeadline = loop.scheduleTask(in: Self.answerTimeout - Self.answerPatience) {
                self.connections.metrics.refused(.answerTimeout)
                context.close(promise: nil)
            }
        }
    }

    /// Notes what is waited for; a peer that does not take its answers is that, whatever else it does.
    private func enter(_ phase: Connections.Phase, _ context: ChannelHandlerContext) {
        if !isUntaken { connections.enter(phase, context.channel) }
    }

    private func disarm() {
        requestDeadline?.cancel()
        answerDeadline?.cancel()
    }

    /// Whether the peer sends nothing after it, or nothing that would be understood: the parser stops where a
    /// client asks for another protocol, which it is not going to get.
    private static func isLast(_ head: HTTPRequestHead) -> Bool {
        closes(head.headers) || head.version == .http1_0 || head.headers.contains(name: "upgrade")
            || head.method == .CONNECT
    }

    private static func closes(_ headers: HTTPHeaders) -> Bool {
        headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
    }
}

/// Leads the order to end around NIO's pipelining, which would close under Hummingbird's hands.
private final class QuiescingDetour: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let destination: ConnectionGuard

    init(to destination: ConnectionGuard) { self.destination = destination }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            destination.handOn(event)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

/// Hummingbird's HTTP/1 connection with a ``ConnectionGuard`` behind its parser.
///
/// Its parser is made for each connection, with the bounds that hold when the connection comes.
struct GuardedConnection: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let responder: HTTPChannelHandler.Responder
    let settings: Current<Limits.Settings>
    let connections: Connections

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
            try pipeline.addHandlers(
                [QuiescingDetour(to: guarding), oneByOne, guarding], position: .after(parser))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await HTTP1Channel(responder: responder).handle(value: value, logger: logger)
    }
}
