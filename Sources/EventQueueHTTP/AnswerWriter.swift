import NIOCore

/// Writes each ``WholeAnswer`` to the socket, behind what was written in parts before it.
final class AnswerWriter: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let answer = event as? WholeAnswer else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        let bytes = answer.bytes(context.channel.allocator)
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
    }
}
