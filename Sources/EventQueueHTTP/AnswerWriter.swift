import NIOCore

/// Says on its way out that nothing that still comes is looked at.
struct InputIsOver {}

/// Writes each ``WholeAnswer`` to the socket, behind what was written in parts before it, and throws away what comes once
/// ``InputIsOver`` was said.
///
/// The parser stops behind a request for another protocol, and would keep all that follows for whoever speaks that.
final class AnswerWriter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private var isInputOver = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isInputOver { context.fireChannelRead(data) }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        switch event {
        case let answer as WholeAnswer:
            let bytes = answer.bytes(context.channel.allocator)
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
        case is InputIsOver:
            isInputOver = true
            promise?.succeed()
        default: context.triggerUserOutboundEvent(event, promise: promise)
        }
    }
}
