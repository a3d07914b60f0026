import NIOCore

/// One connection of a run: it sends a request, waits for its answer, and sends the next.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let run: LoadRun
    private let dialogue: any Dialogue
    private let framing: any AnswerFraming
    private var context: ChannelHandlerContext?
    private var received = ByteBuffer()
    /// When the request was sent that waits for its answer.
    private var sentAt: NIODeadline?

    init(_ run: LoadRun, _ dialogue: any Dialogue, _ framing: any AnswerFraming) {
        self.run = run
        self.dialogue = dialogue
        self.framing = framing
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends a request, if the run goes on and there is one.
    func send(at now: NIODeadline) {
        guard let context, run.goesOn(at: now), let request = dialogue.next() else { return }
        sentAt = now
        run.sent()
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 {
            received = bytes
        } else {
            received.writeBuffer(&bytes)
        }
        do throws(FramingFailure) {
            guard let answer = try framing.next(from: &received) else { return }
            take(answer)
        } catch {
            lose(error.reason)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lose(sentAt == nil ? "a connection was closed" : "a connection was closed instead of an answer")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { lose("\(error)") }

    /// Ends the connection.
    func close() { context?.close(promise: nil) }

    private func take(_ answer: LoadAnswer) {
        guard let sentAt, received.readableBytes == 0 else { return lose("an answer that nobody asked for") }
        self.sentAt = nil
        let now = NIODeadline.now()
        run.answered(after: now - sentAt, at: now, problem: answer.problem ?? dialogue.take(answer.body))
        // Looking at the answer took time, which is not the next one's.
        send(at: .now())
        run.endIfDone()
    }

    /// Whether it waited or not: a run whose connections are fewer than it says measures something else.
    private func lose(_ reason: String) {
        guard let context else { return }
        // What is written from now on would never be answered.
        self.context = nil
        context.close(promise: nil)
        run.lost(reason, isWaiting: sentAt != nil, at: .now())
    }
}
