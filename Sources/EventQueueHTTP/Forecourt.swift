import NIOCore
import NIOHTTP1

/// Lets in one request at a time, in the order in which they came, and sees to it when the socket is read.
///
/// NIO's own handler for that closes under Hummingbird's hands when the order to end comes. It stops reading while an
/// answer is owed, which costs each request two calls of the kernel, to look away from its socket and to look again.
/// And it knows answers in parts only, see ``WholeAnswer``. So there is read on here until something has come that must
/// wait; it is held, and no more is read then.
///
/// From a peer that does not take its answers nothing is read either, and nothing is let in: they would lie here, as many
/// as it likes to ask.
final class Forecourt: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What waits until the request before it is answered.
    private enum Held {
        case part(HTTPServerRequestPart)
        case error(HTTPParserError)
        case inputClosed
    }

    /// Nearly twice what one reading can bring, 64 KiB in chunks of a byte each. More comes only from a peer that has
    /// ended its input, which is read to its end, whatever waits here.
    private static let heldMax = 20_000

    private var held = CircularBuffer<Held>(initialCapacity: 0)
    /// Whether what was held is being let in: it may write, and be told of that at once.
    private var isLettingIn = false
    /// Whether the end of the request that was let in has not come yet.
    private var isRequestOpen = false
    private var isAnswerOwed = false
    /// Whether nothing is answered any more, so that nothing waits for an answer.
    private var isOutputClosed = false
    /// Whether there is to be read as soon as the answer is given, and the peer takes its answers.
    private var wantsRead = false

    /// Whether a request must wait for the answer to the one before.
    private var isAnswering: Bool { isAnswerOwed && !isRequestOpen && !isOutputClosed }
    /// Whether what comes now must wait.
    private var isHolding: Bool { isAnswering || isLettingIn || !held.isEmpty }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isHolding { return hold(.part(part), context) }
        letIn(part, data, context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isAnswering, held.isEmpty, context.channel.isWritable { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as HTTPParserError:
            if isHolding { hold(.error(error), context) } else { letIn(error, context) }
        case is ByteToMessageDecoderError:
            // There is more behind what the parser did not understand, which it has told. Hummingbird would close.
            break
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if !held.isEmpty, case ChannelEvent.inputClosed = event { return held.append(.inputClosed) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Nobody would hear of what became of it.
        held.removeAll()
        context.fireChannelInactive()
    }

    /// Has it wait, unless too much does: what is one too many is refused in its turn, and nothing comes in behind it.
    private func hold(_ next: Held, _ context: ChannelHandlerContext) {
        guard held.count >= Self.heldMax else { return held.append(next) }
        guard held.count == Self.heldMax else { return }
        held.append(.error(.unknown))
        context.triggerUserOutboundEvent(InputIsOver(), promise: nil)
    }

    private func letIn(_ part: HTTPServerRequestPart, _ data: NIOAny, _ context: ChannelHandlerContext) {
        switch part {
        case .head:
            guard !isOutputClosed else { return }
            isRequestOpen = true
            isAnswerOwed = true
        case .body, .end:
            guard isRequestOpen else { return }
            if case .end = part { isRequestOpen = false }
        }
        context.fireChannelRead(data)
    }

    private func letIn(_ error: HTTPParserError, _ context: ChannelHandlerContext) {
        // What is no request is answered like one, and is the last of its connection.
        if !isAnswerOwed {
            isAnswerOwed = true
            isRequestOpen = false
        }
        context.fireErrorCaught(error)
    }

    private func letInHeld(_ context: ChannelHandlerContext) {
        guard !held.isEmpty, !isLettingIn else { return }
        var hasLetIn = false
        isLettingIn = true
        // The rest of a request is nothing that is answered on its own.
        while !isAnswering, isRequestOpen || context.channel.isWritable, let next = held.popFirst() {
            switch next {
            case .part(let part):
                hasLetIn = true
                letIn(part, wrapInboundOut(part), context)
            case .error(let error): letIn(error, context)
            case .inputClosed: endInput(context)
            }
        }
        isLettingIn = false
        if hasLetIn { context.fireChannelReadComplete() }
        // Behind the last request nothing is waited for to tell that it was the last.
        if case .inputClosed? = held.first {
            held.removeFirst()
            endInput(context)
        }
    }

    private func endInput(_ context: ChannelHandlerContext) {
        wantsRead = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        wantsRead = true
        readIfWanted(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        goOn(context)
        context.fireChannelWritabilityChanged()
    }

    private func readIfWanted(_ context: ChannelHandlerContext) {
        guard wantsRead, !isHolding, context.channel.isWritable else { return }
        wantsRead = false
        context.read()
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        if case .end = unwrapOutboundIn(data) { hasAnswered(context) }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        context.triggerUserOutboundEvent(event, promise: promise)
        if event is WholeAnswer { hasAnswered(context) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output {
            isOutputClosed = true
            held.removeAll()
        }
        context.close(mode: mode, promise: promise)
        // The end of what the peer sends must be seen.
        if mode == .output { readIfWanted(context) }
    }

    private func hasAnswered(_ context: ChannelHandlerContext) {
        isAnswerOwed = false
        goOn(context)
    }

    private func goOn(_ context: ChannelHandlerContext) {
        letInHeld(context)
        readIfWanted(context)
    }
}
