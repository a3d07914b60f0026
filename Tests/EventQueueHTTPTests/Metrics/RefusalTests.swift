import EventQueue
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// Whatever is turned away is counted under its reason, once, and under no other.
@Suite struct RefusalTests {
    /// One after the other: eighteen services at once are so slow that deadlines pass.
    @Test(
        .serialized, arguments: Refusal.allCases.filter { ![.headTimeout, .answerTimeout, .connections].contains($0) })
    func `each refusal counts its reason and no other`(refusal: Refusal) async throws {
        let failure = Self.failure(for: refusal)
        let wrap: (any EventStore) -> any EventStore = { store in
            failure.map { FailingStore(store: store, failure: $0) } ?? store
        }
        try await TestService.run(limits: Self.limits(for: refusal), wrap: wrap) { service in
            try await Self.expectRefusals([:], service)
            try await Self.provoke(refusal, service)
            try await Self.expectRefusals([refusal.rawValue: 1], service)
        }
    }

    @Test func `the last connection that may be open is counted`() async throws {
        var limits = Limits.Settings()
        limits.connectionsMax = 2
        let sockets = HeldSockets()
        try await TestService.run(limits: limits) { service in
            sockets.hold(try await RawConnection(port: service.port), sending: "")
            // The question takes the second of two.
            while try await Self.refusals(service)["connections"] == nil { await Task.yield() }
            await sockets.release()
        }
    }

    @Test func `a peer that does not read its answer is counted and closed`() throws {
        let (channel, metrics) = try Self.guardedChannel()
        try Self.ask(channel)
        // What is written and never flushed is an answer that nobody reads.
        Self.answer(channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        let before = try Exposition(metrics.counted)
        #expect(before.value("refused_total", ["reason": "answer_timeout"]) == 0)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        let after = try Exposition(metrics.counted)
        #expect(after.value("refused_total", ["reason": "answer_timeout"]) == 1)
        #expect(!channel.isActive)
    }

    @Test func `a new connection that sends no head is counted and closed`() throws {
        let (channel, metrics) = try Self.guardedChannel()
        channel.embeddedEventLoop.advanceTime(by: .seconds(6))
        let counted = try Exposition(metrics.counted)
        #expect(counted.value("refused_total", ["reason": "head_timeout"]) == 1)
        #expect(!channel.isActive)
    }

    @Test func `a connection that was used and then rests is closed uncounted`() throws {
        let (channel, metrics) = try Self.guardedChannel()
        try Self.ask(channel)
        Self.answer(channel)
        channel.flush()
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
        let counted = try Exposition(metrics.counted).families.first { $0.name == "orgloop_queue_refused_total" }
        #expect(counted?.samples.map(\.value).max() == 0)
    }

    private static func guardedChannel() throws -> (EmbeddedChannel, Metrics) {
        let metrics = Metrics(build: .init(version: "0"), startedAt: .now())
        let settings = Current(Limits.Settings())
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            ConnectionGuard(settings: settings, connections: Connections(settings: settings, metrics: metrics)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (channel, metrics)
    }

    private static func ask(_ channel: EmbeddedChannel) throws {
        try channel.writeInbound(HTTPServerRequestPart.head(.init(version: .http1_1, method: .GET, uri: "/")))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    private static func answer(_ channel: EmbeddedChannel) {
        channel.write(HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok)), promise: nil)
        channel.write(HTTPServerResponsePart.end(nil), promise: nil)
    }

    @Test func `what is taken in from a spool is counted like what is posted`() async throws {
        try await TestService.run { service in
            let (status, _) = await service.server.receive(
                source: "nobody", headers: NoHeaders(), body: [], sentAt: .now())
            #expect(status == 404)
            try await Self.expectRefusals(["unknown_source": 1], service)
        }
    }

    private struct NoHeaders: HeaderLookup {
        func values(of name: String) -> [String] { [] }
    }

    private static func expectRefusals(_ expected: [String: Double], _ service: TestService) async throws {
        let counted = try await refusals(service)
        #expect(counted == expected)
    }

    /// The reasons that were counted.
    private static func refusals(_ service: TestService) async throws -> [String: Double] {
        let families = try await service.metrics().families
        let samples = families.first { $0.name == "orgloop_queue_refused_total" }?.samples ?? []
        #expect(samples.count == Refusal.allCases.count)
        let counted = samples.filter { $0.value > 0 }.map { ($0.labels["reason", default: ""], $0.value) }
        return Dictionary(uniqueKeysWithValues: counted)
    }

    private static func failure(for refusal: Refusal) -> StoreFailure? {
        switch refusal {
        case .diskFull: .diskFull("")
        case .overQuota: .overQuota("")
        case .unavailable: .unavailable("")
        case .damaged: .damaged("")
        case .broken: .broken("")
        default: nil
        }
    }

    private static func limits(for refusal: Refusal) -> Limits.Settings {
        var limits = Limits.Settings()
        limits.headTimeout = .seconds(60)
        switch refusal {
        case .bodyTimeout: limits.bodyTimeout = .seconds(1)
        case .headerTooLarge: limits.headerBytesMax = 1000
        case .bodyTooLarge: limits.bodyBytesMax = 10
        case .inFlightBytes: limits.inFlightBytesMax = 10
        default: break
        }
        return limits
    }

    private static func provoke(_ refusal: Refusal, _ service: TestService) async throws {
        let begin = "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        switch refusal {
        case .bodyTimeout: try await send(begin + "Content-Length: 9\r\n\r\n{", service)
        case .headerTooLarge:
            try await send(begin + "X-Large: \(String(repeating: "x", count: 2000))\r\n\r\n", service)
        case .malformed: try await send("NONSENSE\r\n\r\n", service)
        case .host: try await send("GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", service)
        case .origin: _ = try await service.post("open", "{}", [("Origin", "http://localhost")])
        case .unauthorized: _ = try await service.stranger.send("GET", "/v1/status")
        case .unverified: _ = try await service.post("claude-code", TestService.session)
        case .unknownSource: _ = try await service.post("nobody", "{}")
        case .contentEncoding: _ = try await service.post("open", "{}", [("Content-Encoding", "gzip")])
        case .shuttingDown:
            service.health.beginStopping()
            _ = try await service.post("open", "{}")
        case .bodyTooLarge, .inFlightBytes, .diskFull, .overQuota, .unavailable, .damaged, .broken:
            _ = try await service.post("open", TestService.session)
        case .headTimeout, .answerTimeout, .connections: break
        }
    }

    private static func send(_ text: String, _ service: TestService) async throws {
        _ = try await RawConnection.exchange(port: service.port, text)
    }
}
