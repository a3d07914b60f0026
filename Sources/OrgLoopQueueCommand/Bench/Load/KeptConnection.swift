import NIOCore
import NIOPosix

/// A connection that is kept between requests which belong to no run of load, one at a time.
struct KeptConnection: Sendable {
    private let exchange: NIOLoopBound<Exchange>
    private let loop: any EventLoop

    /// - Throws: ``CommandFailure`` when nobody listens.
    static func open(host: String, port: Int, framing: any AnswerFraming) async throws -> KeptConnection {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let exchange = try await loop.submit { NIOLoopBound(Exchange(framing, loop), eventLoop: loop) }.get()
        do {
            _ = try await ClientBootstrap(group: loop)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(exchange.value)
                    }
                }
                .connect(host: host, port: port).get()
        } catch {
            throw CommandFailure(message: "cannot connect to \(host):\(port): \(error)", mend: "")
        }
        return KeptConnection(exchange: exchange, loop: loop)
    }

    /// Sends a request and waits for its answer.
    ///
    /// - Returns: The answer, and how long it took from the loop's point of view.
    func send(_ request: ByteBuffer) async throws -> (answer: LoadAnswer, time: TimeAmount) {
        let exchange = exchange
        return try await loop.flatSubmit { exchange.value.send(request) }.get()
    }

    func close() async throws {
        let exchange = exchange
        try await loop.submit { exchange.value.close() }.get()
    }

    private final class Exchange: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let framing: any AnswerFraming
        private let loop: any EventLoop
        private var context: ChannelHandlerContext?
        private var received = ByteBuffer()
        private var waiting: (promise: EventLoopPromise<(answer: LoadAnswer, time: TimeAmount)>, sentAt: NIODeadline)?

        init(_ framing: any AnswerFraming, _ loop: any EventLoop) {
            self.framing = framing
            self.loop = loop
        }

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }

        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

        func send(_ request: ByteBuffer) -> EventLoopFuture<(answer: LoadAnswer, time: TimeAmount)> {
            guard let context, context.channel.isActive else {
                return loop.makeFailedFuture(Self.lost)
            }
            precondition(waiting == nil, "one request at a time")
            let promise = loop.makePromise(of: (answer: LoadAnswer, time: TimeAmount).self)
            let bound = NIOLoopBound(self, eventLoop: loop)
            let watchdog = loop.scheduleTask(in: Self.patience) { bound.value.lose(Self.late) }
            promise.futureResult.whenComplete { _ in watchdog.cancel() }
            waiting = (promise, .now())
            context.writeAndFlush(wrapOutboundOut(request), promise: nil)
            return promise.futureResult
        }

        func close() { context?.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            do throws(FramingFailure) {
                guard let answer = try framing.next(from: &received), let waiting else { return }
                self.waiting = nil
                received = ByteBuffer()
                waiting.promise.succeed((answer, .now() - waiting.sentAt))
            } catch {
                lose(CommandFailure(message: error.reason, mend: ""))
            }
        }

        func channelInactive(context: ChannelHandlerContext) { lose(Self.lost) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { lose(error) }

        private func lose(_ error: any Error) {
            let waiting = waiting
            self.waiting = nil
            waiting?.promise.fail(error)
            close()
        }

        /// A service that does not answer for so long has stopped.
        private static let patience = TimeAmount.seconds(30)
        private static let late = CommandFailure(
            message: "no answer within 30 s", mend: "Check the log of what is measured.")
        private static let lost = CommandFailure(
            message: "a connection was closed instead of an answer", mend: "Check the log of what is measured.")
    }
}
