import EventQueue
import NIOCore
import NIOHTTP1

/// Takes what senders ask off the way to Hummingbird, and answers it where it came in.
///
/// Nearly every request is one of a sender's, and Hummingbird's way with it (its own types of heads, two tasks, four
/// changes of thread) costs more than verifying and storing it. Everything else goes on as it came: the handler before
/// this one sees to it that there is one request at a time.
final class WebhookHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// What becomes of a request of a sender's.
    private enum Phase {
        /// There is none.
        case idle
        /// Its body comes in.
        case reading(Source, RequestFields, IncomingBody)
        /// Its answer is found elsewhere, or lies in the mailbox.
        case deciding
        /// Its event waits for a commit.
        case appending(Source, NewEvent, VerifiedRequest)
    }

    /// Bodies beyond it are verified and read away from the event loop: that takes a tenth of a millisecond for each
    /// 16 KiB, and all connections of the loop would wait. Senders' bodies have one to some tens of KiB.
    static let bodyBytesOnLoopMax = 16 << 10

    private static let route = Route.webhook("")

    private let reception: Reception
    private let mailbox: Mailbox
    private var context: ChannelHandlerContext?
    private var phase = Phase.idle
    /// Whether the request whose parts come in is a sender's.
    private var isTaken = false
    private var isHeadOnly = false
    /// The body that takes room until the request is answered.
    private var taken: IncomingBody?
    /// When the body was there.
    private var beganAt: ContinuousClock.Instant?
    /// Whether the connection is to end once nobody waits for an answer.
    private var isQuiescing = false
    /// Whether the peer sends nothing more, and those behind do not know yet: they would close.
    private var isInputClosed = false

    private var receiver: Receiver { reception.receiver }

    init(reception: Reception, mailbox: Mailbox) {
        self.reception = reception
        self.mailbox = mailbox
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard let source = Route.source(of: head.uri) else { break }
            isTaken = true
            return begin(head, source, context)
        case .body(let part):
            guard isTaken else { break }
            return take(part, context)
        case .end:
            guard isTaken else { break }
            isTaken = false
            return end(context)
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (phase, error) {
        case (.reading(let source, _, let body), is BodyTimeout): refuse(.tooSlow, source, body, context)
        case (.reading(let source, _, let body), is HTTPParserError): refuse(.broken, source, body, context)
        // What is broken belongs to a body that nobody reads.
        case (.deciding, is BodyTimeout), (.deciding, is HTTPParserError): break
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .idle = phase { return context.fireUserInboundEventTriggered(event) }
        switch event {
        case is ChannelShouldQuiesceEvent: isQuiescing = true
        case ChannelEvent.inputClosed: isInputClosed = true
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Half a body is not a body; what is decided or stored already is told to nobody.
        if case .reading(_, _, let body) = phase {
            body.release()
            phase = .idle
        }
        context.fireChannelInactive()
    }

    // MARK: The request

    private func begin(_ head: HTTPRequestHead, _ source: String, _ context: ChannelHandlerContext) {
        let headers = RequestFields(head.headers)
        isHeadOnly = head.method == .HEAD
        beganAt = nil
        phase = .deciding
        switch reception.admit(head.method, source, headers) {
        case .refused(let answer): send(.answer(answer), context)
        case .admitted(let source):
            do throws(IncomingBody.Failure) {
                let body = try IncomingBody(
                    headers, bytesMax: receiver.limits.bodyBytesMax, budget: reception.budget)
                phase = .reading(source, headers, body)
            } catch {
                send(.answer(reception.answer(to: error, of: source)), context)
            }
        }
    }

    private func take(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
        guard case .reading(let source, let headers, var body) = phase else { return }
        // Else two would hold it, and its bytes would be copied.
        phase = .deciding
        do throws(IncomingBody.Failure) {
            try body.take(part)
            phase = .reading(source, headers, body)
        } catch {
            refuse(error, source, body, context)
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        guard case .reading(let source, let headers, let body) = phase else { return }
        do throws(IncomingBody.Failure) {
            try body.end()
        } catch {
            return refuse(error, source, body, context)
        }
        phase = .deciding
        taken = body
        beganAt = .now
        let (receiver, mailbox, home) = (receiver, mailbox, NIOLoopBound(self, eventLoop: context.eventLoop))
        guard body.bytes.count <= Self.bodyBytesOnLoopMax else {
            Task {
                let answer = await receiver.receive(source, headers: headers, body: body.bytes)
                mailbox.put(.answer(answer), for: home)
            }
            return
        }
        switch receiver.judge(source, headers: headers, body: body.bytes) {
        case .answered(let answer): send(.answer(answer), context)
        case .event(let event, let request):
            phase = .appending(source, event, request)
            receiver.store.append(event) { mailbox.put(.appended($0), for: home) }
        case let judgement: conclude(judgement, of: source, context)
        }
    }

    private func refuse(
        _ failure: IncomingBody.Failure, _ source: Source, _ body: IncomingBody, _ context: ChannelHandlerContext
    ) {
        phase = .deciding
        taken = body
        send(.answer(reception.answer(to: failure, of: source)), context)
    }

    /// The rare ways: what must be stored otherwise before it can be answered.
    private func conclude(_ judgement: Receiver.Judgement, of source: Source, _ context: ChannelHandlerContext) {
        let (receiver, mailbox, home) = (receiver, mailbox, NIOLoopBound(self, eventLoop: context.eventLoop))
        Task { mailbox.put(.answer(await receiver.conclude(judgement, of: source)), for: home) }
    }

    /// Also what is known already takes this way: whoever asks much at once would be answered from within its own
    /// requests, one in the other, until the stack ends.
    private func send(_ letter: Mailbox.Letter, _ context: ChannelHandlerContext) {
        mailbox.put(letter, for: NIOLoopBound(self, eventLoop: context.eventLoop))
    }

    // MARK: The answer

    /// Takes what was found elsewhere; called on the event loop.
    func receive(_ letter: Mailbox.Letter) {
        switch (letter, phase) {
        case (.answer(let answer), _): give(answer)
        case (.appended(let result), .appending(let source, let event, let request)):
            switch receiver.judge(result, of: event, from: request, source) {
            case .answered(let answer): give(answer)
            case let judgement:
                phase = .deciding
                guard let context else { return finish() }
                conclude(judgement, of: source, context)
            }
        case (.appended, _): preconditionFailure("a commit answers the request that waits for it")
        }
    }

    private func give(_ answer: Answer) {
        receiver.metrics.answered(Self.route, answer)
        if let beganAt { receiver.metrics.received(in: beganAt.duration(to: .now)) }
        finish()
        guard let context, context.channel.isActive else { return }
        write(isQuiescing ? answer.closing() : answer, context)
    }

    /// Gives back what the request has taken. What is asked behind it begins while its answer is written.
    private func finish() {
        taken?.release()
        taken = nil
        phase = .idle
    }

    private func write(_ answer: Answer, _ context: ChannelHandlerContext) {
        var fields: [(String, String)] = []
        fields.reserveCapacity(answer.fields.count + 3)
        for field in answer.fields { fields.append((field.name, field.value)) }
        if answer.closes { fields.append(("Connection", "close")) }
        fields.append(("Content-Length", String(answer.body.count)))
        fields.append(("Date", reception.date.text(at: receiver.now())))
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: HTTPHeaders(fields))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !answer.body.isEmpty, !isHeadOnly {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        var isWritten: EventLoopPromise<Void>?
        if isInputClosed {
            isInputClosed = false
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenComplete { _ in
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            }
            isWritten = promise
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: isWritten)
    }
}
