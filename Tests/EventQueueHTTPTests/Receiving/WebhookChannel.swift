import EventQueue
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// A connection without a network whose senders' requests are answered by the real handlers, over a store whose commits
/// come when a test says so.
final class WebhookChannel {
    let held: HeldAppends
    let budget = ByteBudget(bytes: 1000)
    /// What went on to those behind, and in which order.
    var passed: [String] { behind.heard }
    private let channel: EmbeddedChannel
    private let behind = Behind()

    /// - Parameters:
    ///   - cutsWhenInvited: Whether the peer is gone when it is told that it may send its body.
    ///   - loop: Where it runs; its own by default.
    ///   - mailbox: What it shares with others of `loop`; its own by default.
    ///   - held: What it shares with others of one store; its own by default.
    init(
        cutsWhenInvited: Bool = false, loop: EmbeddedEventLoop = EmbeddedEventLoop(), mailbox: Mailbox? = nil,
        held: HeldAppends = HeldAppends()
    ) throws {
        self.held = held
        channel = EmbeddedChannel(loop: loop)
        let metrics = Metrics(build: .init(version: "0"), startedAt: .now())
        let settings = Current(Limits.Settings())
        let source = Source(
            id: try #require(Source.ID("open")), kind: .webhook(eventTypeField: ["type"]),
            verifier: Verifier(scheme: .none, secrets: []))
        let health = Health()
        health.set(.ready)
        let receiver = Receiver(
            sources: SourceRegistry([source]),
            store: FailingStore(store: nil, failure: .unavailable("held"), held: held),
            ids: EventIDGenerator(now: Timestamp.now, after: nil), health: health, settings: settings,
            now: Timestamp.now, metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let reception = Reception(gate: Gate(listenHost: "127.0.0.1", hosts: []), receiver: receiver, budget: budget)
        try channel.pipeline.syncOperations.addHandlers([AnswerWriter(), HTTPResponseEncoder()])
        if cutsWhenInvited { try channel.pipeline.syncOperations.addHandler(CutWhenInvited()) }
        try channel.pipeline.syncOperations.addHandlers([
            Forecourt(),
            ConnectionGuard(settings: settings, connections: Connections(settings: settings, metrics: metrics)),
            WebhookHandler(reception: reception, mailbox: mailbox ?? Mailbox(loop)), behind,
        ])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    var isActive: Bool { channel.isActive }

    /// The head of a request arrives.
    func begin(
        _ method: HTTPMethod = .POST, _ target: String = "/webhook/open", length: Int? = nil, expecting: Bool = false
    ) throws {
        var headers = HTTPHeaders([("Host", "localhost")])
        if expecting { headers.add(name: "Expect", value: "100-continue") }
        if let length { headers.add(name: "Content-Length", value: "\(length)") }
        try channel.writeInbound(
            HTTPServerRequestPart.head(.init(version: .http1_1, method: method, uri: target, headers: headers)))
    }

    /// A part of its body arrives.
    func add(_ part: String) throws { try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: part))) }

    func end() throws { try channel.writeInbound(HTTPServerRequestPart.end(nil)) }

    /// A whole request with a body arrives.
    func ask(_ body: String) throws {
        try begin(length: body.utf8.count)
        try add(body)
        try end()
    }

    /// A whole request without a Host arrives, which is refused as soon as its head is there.
    func askWrongly() throws {
        try channel.writeInbound(
            HTTPServerRequestPart.head(.init(version: .http1_1, method: .POST, uri: "/webhook/open")))
        try end()
    }

    func fail(_ error: any Error) { channel.pipeline.fireErrorCaught(error) }

    /// An event comes in behind what is being answered.
    func tell(_ event: Any) { channel.pipeline.syncOperations.fireUserInboundEventTriggered(event) }

    func advance(by time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    /// Those behind answer the request that they were given.
    func answerBehind() { behind.answer() }

    /// What went out since the last time: a line for each answer.
    func answers() throws -> [String] {
        channel.embeddedEventLoop.run()
        var text = ""
        while case .byteBuffer(let part)? = try channel.readOutbound(as: IOData.self) { text += String(buffer: part) }
        return text.split(separator: "HTTP/1.1 ").map { answer in
            let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
            let ending = parts[0].contains("\r\nconnection: close") ? " and close" : ""
            return "\(answer.prefix(3))\(ending)" + parts.dropFirst().map { " \($0)" }.joined()
        }
    }

    func close() {
        _ = try? channel.finish(acceptAlreadyClosed: true)
        channel.embeddedEventLoop.run()
    }
}

/// A peer that has gone, which the first word that is written finds out: within the reading of what it had sent.
private final class CutWhenInvited: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(let head) = unwrapOutboundIn(data), head.status == .continue else {
            return context.write(data, promise: promise)
        }
        promise?.fail(ChannelError.ioOnClosedChannel)
        context.close(promise: nil)
    }
}

/// In Hummingbird's place.
private final class Behind: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private(set) var heard: [String] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): heard.append("\(head.method) \(head.uri)")
        case .body(let part): heard.append(String(buffer: part))
        case .end: heard.append("end")
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        heard.append(event is ChannelShouldQuiesceEvent ? "quiesce" : "\(event)")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { heard.append("\(error)") }

    func answer() {
        context?.write(wrapOutboundOut(.head(.init(version: .http1_1, status: .noContent))), promise: nil)
        context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
