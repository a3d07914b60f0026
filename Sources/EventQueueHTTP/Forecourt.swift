import NIOCore
import NIOHTTP1

/// What NIO's pipelining, which lets in one request at a time, does not do as it is needed here.
///
/// It would close under Hummingbird's hands when the order to end comes: that is led around it. And it stops reading
/// while an answer is owed, which costs each request two calls of the kernel, to look away from its socket and to look
/// again. So there is read on until something has come that must wait; it is held as before, and no more is read then.
///
/// Nothing is read either from a peer that does not take its answers: they would lie here, as many as it likes to ask.
final class Forecourt: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let destination: ConnectionGuard
    /// Requests that have come to their end less those whose answer has; below zero where an answer did not wait for the
    /// end.
    private var owed = 0
    private var isBetween = true
    /// Whether there is to be read as soon as the peer has taken some of its answers.
    private var owesRead = false

    init(to destination: ConnectionGuard) { self.destination = destination }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            destination.handOn(event)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) {
            owed += 1
            isBetween = true
        } else {
            isBetween = false
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isBetween, owed == 1 { read(context: context) }
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { owesRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if owesRead, context.channel.isWritable {
            owesRead = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { owed -= 1 }
        context.write(data, promise: promise)
    }
}
