import NIOCore
import NIOHTTP1

/// Lets in one request at a time, in the order in which they came, and sees to it when the socket is read.
///
/// NIO's own handler for that closes under Hummingbird's hands when the order to end comes. It stops reading while an
/// answer is owed, which costs each request two calls of the kernel, to look away from its socket and to look again.
/// And it knows answers in parts only, see ``WholeAnswer``. So there is read on here until something has come that must
/// wait; it is held, and no more is read then.
///
/// Nothing is read either from a peer that does not take its answers: they would lie here, as many as it likes to ask.
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

    private var held = CircularBuffer<Held>(initialCapacity: 0)
    /// Whether the end of the request that was let in has not come yet.
    private var isRequestOpen = false
    private var isAnswerOwed = false
    /// Whether nothing is answered any more, so that nothing waits for an answer.
    private var isOutputClosed = false
    /// Whether those behind want to read on when the answer is given.
    private var wantsRead = false
    /// Whether there is to be read as soon as the peer has taken some of its answers.
    private var owesRead = false

    /// Whether what comes now must wait.
    private var isAnswering: Bool { isAnswerOwed && !isRequestOpen && !isOutputClosed }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isAnswering || !held.isEmpty { return held.append(.part(part)) }
        letIn(part, data, context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isAnswering, held.isEmpty { readOn(context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as HTTPParserError:
            if isAnswering { held.append(.error(error)) } else { letIn(error, context) }
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
        var hasLetIn = false
        while !isAnswering, let next = held.popFirst() {
            switch next {
            case .part(let part):
                hasLetIn = true
                letIn(part, wrapInboundOut(part), context)
            case .error(let error): letIn(error, context)
            case .inputClosed: endInput(context)
            }
        }
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
        if isAnswering { wantsRead = true } else { readOn(context) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if owesRead, context.channel.isWritable {
            owesRead = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    private func readOn(_ context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { owesRead = true }
    }

    private func readIfWanted(_ context: ChannelHandlerContext) {
        guard wantsRead, !isAnswering else { return }
        wantsRead = false
        readOn(context)
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
        letInHeld(context)
        readIfWanted(context)
    }
}
