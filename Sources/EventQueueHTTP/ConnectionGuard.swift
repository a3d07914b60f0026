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
    private var deadline: Scheduled<Void>?
    private var requestsOpen = 0
    private var isReading = false
    /// A connection that is kept open for more may end without one.
    private var hasAsked = false
    /// How many answers are left to give before the connection is closed; `nil` while nobody wants that.
    private var answersLeft: Int?
    /// Whether what still comes is thrown away. It is read nevertheless: closing a socket with unread input
    /// resets it, and the reset may overtake the answer.
    private var ignoresInput = false
    /// What the last answer is going to say, once those before it are given.
    private var refusal: BadHead?

    init(settings: Current<Limits.Settings>, connections: Connections) {
        self.settings = settings
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connections.add(context.channel)
        if context.channel.isActive { awaitHead(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { disarm() }

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
        switch unwrapInboundIn(data) {
        case .head(let head):
            if answersLeft != nil { ignoresInput = true }
            guard !ignoresInput else { return }
            hasAsked = true
            if let refusal = BadHead(head) { return refuse(refusal, context) }
            requestsOpen += 1
            isReading = true
            if Self.isLast(head) { answersLeft = requestsOpen }
            inviteBody(of: head, context)
            connections.enter(.awaitingBody, context.channel)
            awaitBody(context)
        case .body:
            break
        case .end:
            guard !ignoresInput else { return }
            isReading = false
            connections.enter(.answering, context.channel)
            disarm()
        }
        if !ignoresInput { context.fireChannelRead(data) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One broken head makes several errors.
        guard !ignoresInput else { return }
        if !isReading, let refusal = BadHead(parsing: error) { return refuse(refusal, context) }
        if let refusal = Refusal(parsing: error) { connections.metrics.refused(refusal) }
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            // Not only from its end on: the end of a large answer is not written before its reader has begun.
            awaitReader(context)
            // What its peer has asked already is answered first.
            if answersLeft == nil, requestsOpen > 0, connections.isCrowded(context.channel) {
                answersLeft = requestsOpen
            }
            if Self.closes(head.headers) {
                answersLeft = 1
            } else if answersLeft == 1 {
                head.headers.add(name: "connection", value: "close")
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            requestsOpen = max(0, requestsOpen - 1)
            answersLeft = answersLeft.map { $0 - 1 }
            let written = promise ?? context.eventLoop.makePromise()
            awaitReader(context)
            written.futureResult.assumeIsolated().whenSuccess { self.answerWritten(context) }
            context.write(data, promise: written)
        case .head, .body:
            context.write(data, promise: promise)
        }
    }

    private func answerWritten(_ context: ChannelHandlerContext) {
        if answersLeft == 0 {
            ignoresInput = true
            context.close(mode: .output, promise: nil)
            connections.enter(.leaving, context.channel)
            arm(context, in: Self.lingerTime) { $0.close(promise: nil) }
        } else if isReading {
            connections.enter(.awaitingBody, context.channel)
            awaitBody(context)
        } else if requestsOpen > 0 {
            connections.enter(.answering, context.channel)
            disarm()
        } else if let refusal {
            answer(refusal, context)
        } else {
            connections.enter(.awaitingHead, context.channel)
            awaitHead(context)
        }
    }

    /// Looks at nothing more that comes; requests that came before are answered first.
    private func refuse(_ refusal: BadHead, _ context: ChannelHandlerContext) {
        connections.metrics.refused(refusal.reason)
        ignoresInput = true
        self.refusal = refusal
        if requestsOpen == 0 { answer(refusal, context) }
    }

    private func answer(_ refusal: BadHead, _ context: ChannelHandlerContext) {
        answersLeft = 1
        var body = context.channel.allocator.buffer(capacity: refusal.body.count)
        body.writeBytes(refusal.body)
        write(context: context, data: wrapOutboundOut(.head(refusal.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
    }

    /// A client that asks whether it may send its body waits a second for the word.
    private func inviteBody(of head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) else { return }
        let length = head.headers["content-length"].first.map { DeclaredLength.bytes($0) } ?? 0
        guard length <= settings.value.bodyBytesMax else { return }
        context.writeAndFlush(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    private func awaitHead(_ context: ChannelHandlerContext) {
        arm(context, in: TimeAmount(settings.value.headTimeout)) { context in
            if !self.hasAsked { self.connections.metrics.refused(.headTimeout) }
            context.close(promise: nil)
        }
    }

    private func awaitBody(_ context: ChannelHandlerContext) {
        arm(context, in: TimeAmount(settings.value.bodyTimeout)) { context in
            self.arm(context, in: Self.answerTimeout) { $0.close(promise: nil) }
            context.fireErrorCaught(BodyTimeout())
        }
    }

    /// A peer that reads takes what it is given; one that does not may make room, and is not waited for without end.
    private func awaitReader(_ context: ChannelHandlerContext) {
        arm(context, in: Self.answerPatience) { context in
            self.connections.enter(.answerUntaken, context.channel)
            self.arm(context, in: Self.answerTimeout - Self.answerPatience) { context in
                self.connections.metrics.refused(.answerTimeout)
                context.close(promise: nil)
            }
        }
    }

    private func arm(
        _ context: ChannelHandlerContext, in time: TimeAmount,
        _ action: @escaping (ChannelHandlerContext) -> Void
    ) {
        disarm()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { action(context) }
    }

    private func disarm() {
        deadline?.cancel()
        deadline = nil
    }

    /// Whether the peer sends nothing after it, or nothing that would be understood: the parser stops where a
    /// client asks for another protocol, which it is not going to get.
    private static func isLast(_ head: HTTPRequestHead) -> Bool {
        closes(head.headers) || head.version == .http1_0 || head.headers.contains(name: "upgrade")
    }

    private static func closes(_ headers: HTTPHeaders) -> Bool {
        headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
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
            let guarding = ConnectionGuard(settings: settings, connections: connections)
            try pipeline.addHandler(guarding, position: .after(parser))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await HTTP1Channel(responder: responder).handle(value: value, logger: logger)
    }
}
