import EndToEndSupport
import EventQueueHTTP
import Foundation

/// What a caller does while the fault strikes.
enum Verb: String, Sendable, CaseIterable {
    case append
    /// Several senders at once, who share a commit.
    case appendTogether = "append together"
    /// An event so large that the WAL is copied into the database after its commit.
    case appendLarge = "append and checkpoint"
    case poll, settle, replay
}

/// What a caller gets from a service that may die under it.
enum Answer: Sendable, Equatable {
    /// Acknowledged: the caller relies on it.
    case done
    case refused(status: Int, code: String, retryAfter: Bool)
    /// The connection ended without an answer.
    case cut
}

/// Senders, a poller and an operator in one: it calls the service and keeps what it was told.
struct Witness: Sendable {
    var history = HandoverHistory()
    /// The checkpoint that the poller saved last.
    private(set) var saved: String?
    /// Events whose outcome was acknowledged.
    private(set) var settled: Set<String> = []
    /// Replays that were acknowledged.
    private(set) var replays: Set<String> = []

    private static let togetherCount = 8
    /// The summary of ``Verb/appendLarge``: some two hundred pages of the WAL.
    private static let largeBytes = 800_000
    private static let pollLimit = 3

    /// Calls and records; whatever was answered 200 is relied on from here on.
    mutating func perform(_ verb: Verb, on service: ServiceProcess) async -> [Answer] {
        switch verb {
        case .append: [await append("new", to: service)]
        case .appendLarge: [await append("large", summaryBytes: Self.largeBytes, to: service)]
        case .appendTogether: await appendTogether(to: service)
        case .poll: [await poll(service, limit: Self.pollLimit)]
        case .settle: [await settle(service)]
        case .replay: [await replay(service)]
        }
    }

    mutating func append(_ key: String, summaryBytes: Int = 10, to service: ServiceProcess) async -> Answer {
        history.sent.insert(key)
        return record(key, await Self.post(key, summaryBytes, to: service))
    }

    private mutating func appendTogether(to service: ServiceProcess) async -> [Answer] {
        let keys = (1...Self.togetherCount).map { "together-\($0)" }
        history.sent.formUnion(keys)
        let replies = await withTaskGroup(of: (String, QueueClient.Reply?).self) { group in
            for key in keys { group.addTask { (key, await Self.post(key, 10, to: service)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return replies.map { record($0, $1) }
    }

    /// - Parameter isSaved: Whether the poller lives long enough to save the checkpoint.
    mutating func poll(_ service: ServiceProcess, limit: Int, isSaved: Bool = true) async -> Answer {
        let reply = await Self.send(
            "/v1/consumers/orgloop/sources/claude-code/poll", Self.pollBody(saved, limit: limit), to: service)
        return take(reply, isSaved: isSaved)
    }

    /// Records the answer to a poll.
    mutating func take(_ reply: QueueClient.Reply?, isSaved: Bool = true) -> Answer {
        let answer = Self.answer(reply)
        guard answer == .done, let reply else { return answer }
        do {
            let batch = try HandoverHistory.Batch.read(reply, presented: saved, isSaved: isSaved)
            if let batch { history.batches.append(batch) }
            if let batch, isSaved { saved = batch.checkpoint }
            return .done
        } catch {
            return .refused(status: 200, code: "\(error)", retryAfter: false)
        }
    }

    static func pollBody(_ checkpoint: String?, limit: Int) -> String {
        "{\"checkpoint\":\(checkpoint.map { "\"\($0)\"" } ?? "null"),\"limit\":\(limit)}"
    }

    /// The events of the first batch: they are confirmed, so they can be settled and replayed.
    private var firstBatch: [String] { history.batches.first?.events.map(\.id) ?? [] }

    private mutating func settle(_ service: ServiceProcess) async -> Answer {
        let ids = firstBatch
        let outcomes = ids.map { "{\"event_id\":\"\($0)\",\"outcome\":\"delivered\"}" }
        let reply = await Self.send(
            "/v1/consumers/orgloop/sources/claude-code/settle",
            "{\"outcomes\":[\(outcomes.joined(separator: ","))]}", to: service)
        if Self.answer(reply) == .done { settled.formUnion(ids) }
        return Self.answer(reply)
    }

    private struct Order: Decodable { let replay_id: String }

    private mutating func replay(_ service: ServiceProcess) async -> Answer {
        let ids = firstBatch.map { "\"\($0)\"" }.joined(separator: ",")
        let reply = await Self.send(
            "/v1/replays",
            """
            {"consumer":"orgloop","actor":"torture","reason":"again","idempotency_key":"once",\
            "select":{"source":"claude-code","event_ids":[\(ids)]}}
            """, to: service)
        let order = reply.flatMap { try? JSONDecoder().decode(Order.self, from: Data($0.body)) }
        if Self.answer(reply) == .done, let order { replays.insert(order.replay_id) }
        return Self.answer(reply)
    }

    // MARK: Calls

    private struct Receipt: Decodable { let event_id: String }
    private struct Refusal: Decodable { let error: String }

    private mutating func record(_ key: String, _ reply: QueueClient.Reply?) -> Answer {
        let receipt = reply.flatMap { try? JSONDecoder().decode(Receipt.self, from: Data($0.body)) }
        if Self.answer(reply) == .done, let receipt {
            history.acknowledgements.append(.init(key: key, id: receipt.event_id))
        }
        return Self.answer(reply)
    }

    private static func answer(_ reply: QueueClient.Reply?) -> Answer {
        guard let reply else { return .cut }
        if reply.status == 200 { return .done }
        let code = try? JSONDecoder().decode(Refusal.self, from: Data(reply.body)).error
        return .refused(
            status: reply.status, code: code ?? reply.text, retryAfter: reply.header("Retry-After") != nil)
    }

    private static func post(
        _ key: String, _ summaryBytes: Int, to service: ServiceProcess
    ) async -> QueueClient.Reply? {
        let body = """
            {"session_id":"\(key)","working_directory":"/w","duration_seconds":1,"exit_status":0,\
            "summary":"\(String(repeating: "x", count: summaryBytes))"}
            """
        return await send("/webhook/claude-code", headers: [(name: "Idempotency-Key", value: key)], body, to: service)
    }

    static func send(
        _ path: String, headers: [(name: String, value: String)] = [], _ body: String, to service: ServiceProcess
    ) async -> QueueClient.Reply? {
        try? await service.client().send("POST", path, headers: headers, body: Array(body.utf8))
    }
}
