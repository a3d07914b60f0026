import NIOCore

/// Puts what is written between two flushes into one buffer: the head of an answer and its short body. Writes a
/// ``WholeAnswer`` out.
///
/// NIO keeps, orders and hands to the kernel each part of its own; for two hundred bytes that costs more than to copy them.
final class GatheredWrites: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// A longer part goes as it is, for its copy would cost more than it spares.
    private static let partBytesMax = 2048

    private var gathered: ByteBuffer?
    private var isWritten: EventLoopPromise<Void>?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .byteBuffer(let part) = unwrapOutboundIn(data), part.readableBytes <= Self.partBytesMax else {
            handOn(context)
            return context.write(data, promise: promise)
        }
        gather(part, promise)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let answer = event as? WholeAnswer else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        gather(answer.bytes(context.channel.allocator), promise)
        flush(context: context)
    }

    func flush(context: ChannelHandlerContext) {
        handOn(context)
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode != .input { handOn(context) }
        context.close(mode: mode, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gathered = nil
        isWritten?.fail(ChannelError.ioOnClosedChannel)
        isWritten = nil
    }

    private func gather(_ part: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        if gathered?.writeImmutableBuffer(part) == nil { gathered = part }
        guard let promise else { return }
        if let isWritten { isWritten.futureResult.cascade(to: promise) } else { isWritten = promise }
    }

    private func handOn(_ context: ChannelHandlerContext) {
        guard let buffer = gathered else { return }
        let promise = isWritten
        gathered = nil
        isWritten = nil
        context.write(wrapOutboundOut(.byteBuffer(buffer)), promise: promise)
    }
}
