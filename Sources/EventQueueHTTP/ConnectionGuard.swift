import EventQueue
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
    /// What the peer owes, or is given time for.
    private enum Debt {
        case head
        case body
        /// It owes nothing that is waited for any more.
        case departure
    }

    /// What the peer does with the answers that it is given.
    private enum Taking {
        case soon
        case atLast
    }

    private var context: ChannelHandlerContext?
    private var place: Connections.Place?
    /// Of the head or the body that the peer owes.
    private var requestDeadline: Deadline<Debt>?
    /// Of the answer that the peer has not taken yet. It runs beside the other one: whoever asks and asks without ever
    /// reading is not waited for longer than others.
    private var answerDeadline: Deadline<Taking>?
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
    /// Whether the peer sends nothing more, and those behind do not know yet: they would close, and when both directions
    /// are closed what is not with the kernel is lost.
    private var isInputClosed = false
    /// Whether what still comes is thrown away. It is read nevertheless: closing a socket with unread input
    /// resets it, and the reset may overtake the answer.
    private var ignoresInput = false

    init(settings: Current<Limits.Settings>, connections: Connections) {
        self.settings = settings
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        requestDeadline = Deadline(on: context.eventLoop) { [weak self] in self?.isOwing($0) }
        answerDeadline = Deadline(on: context.eventLoop) { [weak self] in self?.isNotTaking($0) }
        place = connections.add(context.channel)
        if context.channel.isActive { awaitHead() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        disarm()
    }

    func channelActive(context: ChannelHandlerContext) {
        awaitHead()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        // It may go while its own input is looked at. Nobody would hear of what became of that.
        ignoresInput = true
        connections.remove(context.channel)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            connections.inputEnded(context.channel)
            isInputClosed = isOpen || answersUnwritten > 0
            if isInputClosed { return }
        }
        // Hummingbird closes with the answer that is owed: nobody would hear of what is asked behind it.
        if isOpen, event is ChannelShouldQuiesceEvent { isLast = true }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !ignoresInput else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            hasAsked = true
            let headers = RequestFields(head.headers)
            if let refusal = BadHead.refusal(of: head, headers) {
                return refuse(refusal, isHeadOnly: head.method == .HEAD, context)
            }
            isOpen = true
            isReading = true
            isLast = Self.isLast(head, headers)
            inviteBody(of: head, headers, context)
            // The word may be what finds out that the peer has gone.
            guard !ignoresInput else { return }
            enter(.awaitingBody)
            requestDeadline?.expect(.body, within: TimeAmount(settings.value.bodyTimeout))
        case .body:
            break
        case .end:
            isReading = false
            requestDeadline?.lift()
            if isOpen { enter(.answering) } else { awaitHead() }
            if isLast { ignoreInput(context) }
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One broken head makes several errors, and whatever comes behind the last request is one, too.
        guard !ignoresInput else { return }
        let refusal = BadHead.refusal(parsing: error)
        if !isReading, let refusal { return refuse(refusal, context) }
        if let refusal { connections.metrics.refused(refusal) }
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            // Not only from its end on: the end of a large answer is not written before its reader has begun.
            begin(endingWith: Self.closes(head.headers["connection"]))
            if isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            context.write(data, promise: end(promise, context))
        case .head, .body:
            context.write(data, promise: promise)
        }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let answer = event as? WholeAnswer else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        give(answer, promise, context)
    }

    private func give(_ answer: WholeAnswer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        begin(endingWith: answer.isLast)
        answer.isLast = isLast
        context.triggerUserOutboundEvent(answer, promise: end(promise, context))
    }

    /// Notes that an answer is begun.
    ///
    /// - Parameter closes: Whether it says that it is the last.
    private func begin(endingWith closes: Bool) {
        if answersUnwritten == 0 { awaitReader() }
        answersUnwritten += 1
        isLast = isLast || closes || isCrowded
    }

    /// Notes that an answer is whole, and has the promise tell when it is written.
    private func end(_ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        isOpen = false
        if isLast { ignoreInput(context) }
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenSuccess { self.answerWritten(context) }
        return written
    }

    private func answerWritten(_ context: ChannelHandlerContext) {
        answersUnwritten -= 1
        isUntaken = false
        guard answersUnwritten == 0 else {
            // It takes its answers after all: what it has asked for is not to be cut for others.
            if isOpen { enter(isReading ? .awaitingBody : .answering) }
            return awaitReader()
        }
        if isOpen {
            enter(isReading ? .awaitingBody : .answering)
        } else if isLast {
            context.close(mode: .output, promise: nil)
            enter(.leaving)
            requestDeadline?.expect(.departure, within: Self.lingerTime)
        } else if !isReading {
            awaitHead()
        }
        answerDeadline?.lift()
        guard isInputClosed, !isOpen else { return }
        isInputClosed = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// Looks at nothing more that comes.
    private func refuse(_ refusal: Answer, isHeadOnly: Bool = false, _ context: ChannelHandlerContext) {
        connections.metrics.refused(refusal)
        isLast = true
        give(WholeAnswer(refusal, isHeadOnly: isHeadOnly), nil, context)
    }

    private func ignoreInput(_ context: ChannelHandlerContext) {
        guard !ignoresInput else { return }
        ignoresInput = true
        context.triggerUserOutboundEvent(InputIsOver(), promise: nil)
    }

    /// A client that asks whether it may send its body waits a second for the word.
    private func inviteBody(of head: HTTPRequestHead, _ headers: RequestFields, _ context: ChannelHandlerContext) {
        guard head.version == .http1_1,
            headers.values(of: "expect").contains(where: { $0.lowercased() == "100-continue" }),
            headers.declaredLength ?? 0 <= settings.value.bodyBytesMax
        else { return }
        context.writeAndFlush(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    private func awaitHead() {
        enter(.awaitingHead)
        requestDeadline?.expect(.head, within: TimeAmount(settings.value.headTimeout))
    }

    private func isOwing(_ debt: Debt) {
        guard let context else { return }
        switch debt {
        case .head:
            if !hasAsked { connections.metrics.refused(.headTimeout) }
            context.close(promise: nil)
        case .body:
            requestDeadline?.expect(.departure, within: Self.answerTimeout)
            context.fireErrorCaught(BodyTimeout())
        case .departure:
            context.close(promise: nil)
        }
    }

    /// A peer that reads takes what it is given; one that does not may make room, and is not waited for without end.
    private func awaitReader() { answerDeadline?.expect(.soon, within: Self.answerPatience) }

    private func isNotTaking(_ taking: Taking) {
        guard let context else { return }
        switch taking {
        case .soon:
            enter(.answerUntaken)
            isUntaken = true
            answerDeadline?.expect(.atLast, within: Self.answerTimeout - Self.answerPatience)
        case .atLast:
            connections.metrics.refused(.answerTimeout)
            context.close(promise: nil)
        }
    }

    /// Notes what is waited for; a peer that does not take its answers is that, whatever else it does.
    private func enter(_ phase: Connections.Phase) {
        if !isUntaken, let place { connections.enter(phase, place) }
    }

    private var isCrowded: Bool { place.map(connections.isCrowded) ?? false }

    private func disarm() {
        requestDeadline?.end()
        answerDeadline?.end()
    }

    /// Whether the peer sends nothing after it, or nothing that would be understood: the parser stops where a
    /// client asks for another protocol, which it is not going to get.
    private static func isLast(_ head: HTTPRequestHead, _ headers: RequestFields) -> Bool {
        closes(headers.values(of: "connection")) || head.version == .http1_0
            || !headers.values(of: "upgrade").isEmpty || head.method == .CONNECT
    }

    private static func closes(_ connection: [String]) -> Bool {
        connection.contains { $0.split(separator: ",").contains { $0.trimming(" \t").lowercased() == "close" } }
    }
}
