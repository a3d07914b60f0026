import EventQueue
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import EventQueueHTTP

/// A connection without a network, whose time moves when a test says so.
struct GuardedChannel {
    private let channel = EmbeddedChannel()

    /// - Parameter connections: The other ones beside it; its own by default.
    init(limits: Limits.Settings, connections: Connections? = nil) throws {
        try channel.pipeline.syncOperations.addHandler(Self.guarding(limits, beside: connections))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// The guard of a connection.
    static func guarding(
        _ limits: Limits.Settings = .init(), beside connections: Connections? = nil
    ) -> ConnectionGuard {
        ConnectionGuard(settings: Current(limits), connections: connections ?? Self.connections(limits))
    }

    static func connections(_ limits: Limits.Settings) -> Connections {
        Connections(
            settings: Current(limits), metrics: Metrics(build: .init(version: "0"), startedAt: .now()))
    }

    var isActive: Bool { channel.isActive }

    func advance(by time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    /// A whole request arrives.
    func ask() throws {
        try channel.writeInbound(HTTPServerRequestPart.head(.init(version: .http1_1, method: .GET, uri: "/")))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    func beginAnswer() {
        channel.write(HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok)), promise: nil)
    }

    func endAnswer() { channel.write(HTTPServerResponsePart.end(nil), promise: nil) }

    /// The peer takes everything that was written for it.
    func take() { channel.flush() }

    func answer() {
        beginAnswer()
        endAnswer()
        take()
    }

    /// Answers one request and returns the fields that go out with it.
    func answerHead() throws -> HTTPHeaders {
        answer()
        var fields = HTTPHeaders()
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            if case .head(let head) = part { fields = head.headers }
        }
        return fields
    }

    func close() { _ = try? channel.finish(acceptAlreadyClosed: true) }
}
