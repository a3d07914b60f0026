import EventQueue
import NIOCore
import NIOHTTP1

/// Takes what senders ask off the way to Hummingbird, and answers it where it came in.
///
/// Nearly every request is one of a sender's, and Hummingbird's way with it (types of its own, tasks, changes of thread)
/// costs more than verifying it. Everything else goes on as it came: the handler before this one sees to it that there is
/// one request at a time.
final class WebhookHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// What becomes of a request of a sender's.
    private enum Phase {
        /// There is none.
        case idle
        /// Its body comes in.
        case reading
        /// Its answer is found elsewhere, or lies in the mailbox.
        case deciding
        /// Its event waits for a commit.
        case appending
    }

    /// A request whose head is accepted. Its body takes room until it is answered.
    ///
    /// An object, because it is asked for at each step, and has some fifty references to keep count of.
    private final class Accepted {
        let source: Source
        let headers: RequestFields
        var body: IncomingBody
        /// What it was made, once it was.
        var event: (event: NewEvent, request: VerifiedRequest)?
        /// When its body was there.
        var completedAt: ContinuousClock.Instant?

        init(_ source: Source, _ headers: RequestFields, _ body: IncomingBody) {
            self.source = source
            self.headers = headers
            self.body = body
        }
    }

    /// Bodies beyond it are verified and read away from the event loop: it takes a tenth of a millisecond, a small part
    /// of a commit, and all connections of the loop wait for it. To hand over a body costs less than that.
    static let bodyBytesOnLoopMax = 32 << 10

    private static let route = Route.webhook("")

    private let reception: Reception
    private let mailbox: Mailbox
    private var context: ChannelHandlerContext?
    private var phase = Phase.idle
    private var accepted: Accepted?
    /// Whether the request whose parts come in is a sender's.
    private var isTaken = false
    private var isHeadOnly = false
    /// Whether those behind were handed something and not told yet that this was all for now.
    private var hasPassedOn = false
    /// Whether the connection has ended: what still comes is begun no more.
    private var isGone = false

    private var receiver: Receiver { reception.receiver }

    init(reception: Reception, mailbox: Mailbox) {
        self.reception = reception
        self.mailbox = mailbox
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isGone else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard let source = Route.source(of: head.uri) else { break }
            isTaken = true
            return begin(head, source)
        case .body(let part):
            guard isTaken else { break }
            return take(part)
        case .end:
            guard isTaken else { break }
            isTaken = false
            return end()
        }
        hasPassedOn = true
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasPassedOn else { return }
        hasPassedOn = false
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (phase, error) {
        case (.reading, is BodyTimeout): refuse(.tooSlow)
        case (.reading, is HTTPParserError): refuse(.broken)
        // What is broken belongs to a body that nobody reads.
        case (.deciding, is BodyTimeout), (.deciding, is HTTPParserError): break
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Those behind would close at once; the connection ends with the answer that is owed.
        if phase != .idle, event is ChannelShouldQuiesceEvent { return }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        // Half a body is not a body; what is decided or stored already is told to nobody.
        if phase == .reading { finish() }
        context.fireChannelInactive()
    }

    // MARK: The request

    private func begin(_ head: HTTPRequestHead, _ source: String) {
        let headers = RequestFields(head.headers)
        isHeadOnly = head.method == .HEAD
        phase = .deciding
        switch reception.admit(head.method, source, headers) {
        case .refused(let answer): send(answer)
        case .admitted(let source):
            do throws(IncomingBody.Failure) {
                let body = try IncomingBody(
                    headers, bytesMax: receiver.limits.bodyBytesMax, budget: reception.budget)
                accepted = Accepted(source, headers, body)
                phase = .reading
            } catch {
                send(reception.answer(to: error, of: source))
            }
        }
    }

    private func take(_ part: ByteBuffer) {
        guard phase == .reading else { return }
        do throws(IncomingBody.Failure) {
            try accepted?.body.take(part)
        } catch {
            refuse(error)
        }
    }

    private func end() {
        guard phase == .reading, let accepted else { return }
        do throws(IncomingBody.Failure) {
            try accepted.body.end()
        } catch {
            return refuse(error)
        }
        phase = .deciding
        accepted.completedAt = .now
        let (receiver, mailbox, home) = (receiver, mailbox, home)
        let (source, headers, body) = (accepted.source, accepted.headers, accepted.body.bytes)
        guard body.count <= Self.bodyBytesOnLoopMax else {
            Task { mailbox.put(.answer(await receiver.receive(source, headers: headers, body: body)), for: home) }
            return
        }
        switch receiver.judge(source, headers: headers, body: body) {
        case .answered(let answer): send(answer)
        case .event(let event, let request):
            phase = .appending
            accepted.event = (event, request)
            receiver.store.append(event) { mailbox.put(.appended($0), for: home) }
        case let judgement: conclude(judgement, of: source)
        }
    }

    private func refuse(_ failure: IncomingBody.Failure) {
        guard let source = accepted?.source else { return }
        phase = .deciding
        send(reception.answer(to: failure, of: source))
    }

    /// The rare ways: what must be stored otherwise before it can be answered.
    private func conclude(_ judgement: Receiver.Judgement, of source: Source) {
        let (receiver, mailbox, home) = (receiver, mailbox, home)
        Task { mailbox.put(.answer(await receiver.conclude(judgement, of: source)), for: home) }
    }

    /// Also what is known already takes this way: whoever asks much at once would be answered from within its own
    /// requests, one in the other, until the stack ends.
    private func send(_ answer: Answer) { mailbox.put(.answer(answer), for: home) }

    /// What finds the way back to this handler from another thread.
    private var home: NIOLoopBound<WebhookHandler> { NIOLoopBound(self, eventLoop: mailbox.loop) }

    // MARK: The answer

    /// Takes what was found elsewhere; called on the event loop.
    func receive(_ letter: Mailbox.Letter) {
        switch letter {
        case .answer(let answer): give(answer)
        case .appended(let result):
            guard phase == .appending, let accepted, let (event, request) = accepted.event else { return }
            switch receiver.judge(result, of: event, from: request, accepted.source) {
            case .answered(let answer): give(answer)
            case let judgement:
                phase = .deciding
                conclude(judgement, of: accepted.source)
            }
        }
    }

    private func give(_ answer: Answer) {
        receiver.metrics.answered(Self.route, answer)
        if let completedAt = accepted?.completedAt { receiver.metrics.received(in: completedAt.duration(to: .now)) }
        finish()
        guard let context, context.channel.isActive else { return }
        let whole = WholeAnswer(answer, isHeadOnly: isHeadOnly, date: reception.date.text(at: receiver.now()))
        context.triggerUserOutboundEvent(whole, promise: nil)
    }

    /// Gives back what the request has taken. What is asked behind it begins while its answer is written.
    private func finish() {
        accepted?.body.release()
        accepted = nil
        phase = .idle
    }
}
