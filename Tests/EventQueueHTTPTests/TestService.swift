import Crypto
import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Foundation
import Logging
import ServiceLifecycle
import Testing

/// A running service on a free loopback port over a real database.
struct TestService: Sendable {
    static let secret = "it's a secret to everybody"

    let port: Int
    let store: any EventStore
    let health: Health
    let sources: SourceRegistry
    let server: QueueServer
    let reloads: Reloads
    let group: ServiceGroup
    /// Calls with the bearer token.
    let client: QueueClient
    /// Calls without.
    let stranger: QueueClient

    /// Runs a service for the length of `body` and stops it; the signed source is `claude-code`, `open` and `deploys` take
    /// everything.
    ///
    /// - Parameter wrap: Puts another store in front of the real one, to make it fail.
    @discardableResult
    static func run<Result: Sendable>(
        limits: Limits.Settings = .init(), hosts: [String] = [],
        wrap: (any EventStore) -> any EventStore = { $0 },
        _ body: @Sendable (TestService) async throws -> Result
    ) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "orgloop-queue-http-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let doorbell = Doorbell()
        let sources = try Self.sources()
        let metrics = Metrics(build: .init(version: "0.0.0"), startedAt: .now()) { .init(waiting: 2, rejected: 1) }
        let store = try await SQLiteEventStore.open(
            .init(path: directory.appending(path: "queue.db").path, sources: sources.map(\.id)),
            doorbell: doorbell, clock: Timestamp.now, logger: logger
        ) { metrics.committed($0) }
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let health = Health()
        let registry = SourceRegistry(sources)
        let served = wrap(store)
        let token = try #require(AccessToken("test-token"))
        let reloads = Reloads(file: "/etc/orgloop-queue.yaml", loadedAt: .now())
        let server = QueueServer(
            configuration: .init(host: "127.0.0.1", port: 0, hosts: hosts, limits: limits), sources: registry,
            store: served, doorbell: doorbell, ids: EventIDGenerator(now: Timestamp.now, after: nil),
            token: token,
            health: health, clock: Timestamp.now, reloads: reloads, metrics: metrics, logger: logger
        ) { port in
            health.set(.ready)
            ready.yield(port)
        }
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
        let result = try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { ready.finish() }
                try await group.run()
            }
            var bound = ports.makeAsyncIterator()
            let port = try #require(await bound.next())
            let result = try await body(
                TestService(
                    port: port, store: served, health: health, sources: registry, server: server, reloads: reloads,
                    group: group,
                    client: QueueClient(url: "http://127.0.0.1:\(port)", token: token),
                    stranger: QueueClient(url: "http://127.0.0.1:\(port)")))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        }
        await store.close()
        return result
    }

    private static func sources() throws -> [Source] {
        let secret = try #require(Secret(secret))
        return [
            Source(
                id: try #require(Source.ID("claude-code")), kind: .claudeCode(.sessionExited),
                verifier: Verifier(scheme: .hub, secrets: [secret])),
            Source(
                id: try #require(Source.ID("open")), kind: .claudeCode(.sessionExited),
                verifier: Verifier(scheme: .none, secrets: [])),
            Source(
                id: try #require(Source.ID("ce")), kind: .cloudEvents,
                verifier: Verifier(scheme: .none, secrets: [])),
            Source(
                id: try #require(Source.ID("slack")), kind: .webhook(eventTypeField: ["type"]),
                verifier: Verifier(scheme: .slack, secrets: [secret])),
            Source(
                id: try #require(Source.ID("deploys")), kind: .webhook(eventTypeField: ["type"]),
                verifier: Verifier(scheme: .none, secrets: [])),
        ]
    }

    /// Tells the service to stop, as SIGTERM does.
    func stop() async { await group.triggerGracefulShutdown() }

    /// Sends a webhook.
    func post(
        _ source: String, _ body: String, _ headers: [(name: String, value: String)] = []
    ) async throws -> QueueClient.Reply {
        try await stranger.send("POST", "/webhook/\(source)", headers: headers, body: Array(body.utf8))
    }

    /// Sends a webhook to `deploys` and returns its event's id.
    func deploy(_ number: Int) async throws -> String {
        let reply = try await post("deploys", #"{"type":"deploy","number":\#(number)}"#)
        #expect(reply.status == 200)
        return try #require(reply.json["event_id"] as? String)
    }

    /// Makes a call on the cursor of `orgloop` in `deploys`.
    func call(
        _ call: String, _ body: String, source: String = "deploys", timeout: Duration = .seconds(10)
    ) async throws -> QueueClient.Reply {
        try await client.send(
            "POST", "/v1/consumers/orgloop/sources/\(source)/\(call)", body: Array(body.utf8),
            timeout: timeout)
    }

    /// A poll of `deploys` as it goes over the wire.
    static func rawPoll(_ body: String) -> String {
        "POST /v1/consumers/orgloop/sources/deploys/poll HTTP/1.1\r\nHost: localhost\r\n"
            + "Authorization: Bearer test-token\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func signature(of body: String, key secret: String = secret) -> (name: String, value: String) {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: key)
        return ("X-Hub-Signature-256", "sha256=" + code.map { String(format: "%02x", $0) }.joined())
    }

    static let session =
        #"{"session_id":"sess-abc123","working_directory":"/home/user","duration_seconds":120,"#
        + #""exit_status":0}"#
}

extension QueueClient.Reply {
    /// The members of the body; none when it is no JSON object.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    }

    var code: String? { json["error"] as? String }
}
