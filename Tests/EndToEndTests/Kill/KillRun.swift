import EventQueue
import EventQueueHTTP
import Foundation
import Synchronization

@testable import OrgLoopQueueCommand

/// One run: a service that is killed and restarted on one database, senders that retry, one poller.
///
/// Nobody sleeps or spins. Senders and poller wait at a door that the killer closes before it kills and
/// opens when the next service has printed its ready line; so a failure behind an open door is a fault of
/// the service.
final class KillRun: Sendable {
    /// A request failed although nobody killed the service.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// How often something happened, to show that the run exercised what it is for.
    struct Counts: Sendable {
        var retries = 0
        var duplicates = 0
        var resent = 0
    }

    struct State: Sendable {
        /// Counts the services; a request knows by it whether its own one was killed.
        var generation = 0
        /// Where the service listens; `nil` while there is none.
        var service: ServiceProcess?
        var acknowledged = 0
        var isOver = false
        var sendersAtWork = KillRun.senders
    }

    static let senders = 8
    private static let secret = "kill-test-secret"
    /// Small enough that a poller is never far ahead of its checkpoint, and batches differ in size.
    private static let limits = 1...40

    let scratch: Scratch
    private let seed: UInt64
    private let state = Watched(State())
    private let history = Mutex(HandoverHistory())
    private let tally = Mutex(Counts())

    init(seed: UInt64) throws {
        scratch = try Scratch()
        self.seed = seed
    }

    var counts: Counts { tally.withLock(\.self) }

    /// Plays to the end and returns the evidence; the service that is left is stopped.
    func play(kills: Int) async throws -> HandoverHistory {
        try await start()
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...Self.senders { group.addTask { try await self.send(as: number) } }
                group.addTask { try await self.poll() }
                group.addTask { try await self.kill(times: kills) }
                do {
                    while try await group.next() != nil {}
                } catch {
                    // The others wait for things that do not come any more.
                    state.fail(error)
                    throw error
                }
            }
        } onCancel: {
            state.fail(CancellationError())
        }
        let rows = try await rows()
        await state.value.service?.stop()
        return history.withLock { history in
            history.rows = rows
            return history
        }
    }

    /// What an auditor's shell answers.
    func sql(_ question: String) async throws -> [String] {
        try await SQLiteShell.rows(question, of: scratch.database, in: scratch)
    }

    private func rows() async throws -> [HandoverHistory.Row] {
        try await sql("SELECT idempotency_key, id, envelope FROM events ORDER BY seq").map { line in
            let columns = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
            guard columns.count == 3 else { throw Fault(description: "sqlite3 printed: \(line)") }
            return .init(key: String(columns[0]), id: String(columns[1]), envelope: String(columns[2]))
        }
    }

    // MARK: The killer

    private func start() async throws {
        // A fresh port each time: while a service is down, somebody's connection may take its old one.
        let service = try await ServiceProcess.start(
            in: scratch, environment: ["CLAUDE_CODE_WEBHOOK_SECRET": Self.secret])
        state.change { state in
            state.service = service
            state.generation += 1
        }
    }

    private func kill(times: Int) async throws {
        let random = SeededRandom(seed: seed)
        for _ in 0..<times {
            let goal = state.value.acknowledged + random.number(in: 1...60)
            try await state.first { $0.acknowledged >= goal ? () : nil }
            let victim = state.value.service
            state.change { $0.service = nil }
            await victim?.kill()
            try await start()
        }
        state.change { $0.isOver = true }
    }

    /// Calls the running service, waiting for one if there is none.
    ///
    /// - Returns: A 200; `nil` when the service was killed under the call and nobody knows what became of it.
    /// - Throws: ``Fault`` when the service lives and answered anything else.
    private func call(
        _ path: String, headers: [(name: String, value: String)] = [], body: String
    ) async throws -> QueueClient.Reply? {
        let (service, generation) = try await state.first { state in
            state.service.map { ($0, state.generation) }
        }
        do {
            let reply = try await service.client().send(
                "POST", path, headers: headers, body: Array(body.utf8))
            if reply.status == 200 { return reply }
            throw Fault(description: "\(path) was answered \(reply.status): \(reply.text)")
        } catch {
            let now = state.value
            if now.service != nil, now.generation == generation { throw error }
            return nil
        }
    }

    // MARK: The senders

    private func send(as sender: Int) async throws {
        let random = SeededRandom(seed: seed &+ UInt64(sender))
        var number = 0
        while !state.value.isOver {
            number += 1
            let key = "sender-\(sender)-\(number)"
            history.withLock { _ = $0.sent.insert(key) }
            try await acknowledge(key)
            // A sender that lost the answer sends again what was acknowledged long ago.
            if random.happens(onceIn: 8) {
                try await acknowledge("sender-\(sender)-\(random.number(in: 1...number))")
            }
        }
        state.change { $0.sendersAtWork -= 1 }
    }

    /// Sends one event, always under the same key, until it is answered 200.
    private func acknowledge(_ key: String) async throws {
        let body = """
            {"session_id":"\(key)","working_directory":"/w","duration_seconds":1.50,"exit_status":0,\
            "summary":"caf\u{E9} \\"\(key)\\""}
            """
        guard let secret = Secret(Self.secret) else { throw Fault(description: "no secret") }
        let proof = Verifier.Scheme.hub.proof(of: Array(body.utf8), by: secret, id: key, at: .now())
        let headers = [(name: "Idempotency-Key", value: key)] + proof.map { (name: $0.name, value: $0.value) }
        while true {
            guard let reply = try await call("/webhook/claude-code", headers: headers, body: body) else {
                tally.withLock { $0.retries += 1 }
                continue
            }
            let receipt = try JSONDecoder().decode(Receipt.self, from: Data(reply.body))
            if receipt.duplicate == true { tally.withLock { $0.duplicates += 1 } }
            history.withLock { $0.acknowledgements.append(.init(key: key, id: receipt.event_id)) }
            return state.change { $0.acknowledged += 1 }
        }
    }

    private struct Receipt: Decodable {
        let event_id: String
        let duplicate: Bool?
    }

    // MARK: The poller

    /// Polls until everything is drained; now and then it dies between an answer and its checkpoint's save.
    private func poll() async throws {
        let random = SeededRandom(seed: seed &+ 1000)
        var saved: String?
        while true {
            // Asked before the poll: what was acknowledged until then is in its answer, or there is none.
            let isLast = state.value.sendersAtWork == 0
            let presented = saved.map { "\"\($0)\"" } ?? "null"
            let question = """
                {"checkpoint":\(presented),"limit":\(random.number(in: Self.limits)),\
                "wait_ms":\(isLast ? 0 : 250)}
                """
            let path = "/v1/consumers/orgloop/sources/claude-code/poll"
            guard let reply = try await call(path, body: question) else { continue }
            let isSaved = !random.happens(onceIn: 5)
            if let batch = try HandoverHistory.Batch.read(reply, presented: saved, isSaved: isSaved) {
                history.withLock { $0.batches.append(batch) }
                if batch.isResent { tally.withLock { $0.resent += 1 } }
                if isSaved { saved = batch.checkpoint }
            } else if isLast {
                return
            }
        }
    }
}
