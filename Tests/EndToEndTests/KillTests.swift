import EventQueueHTTP
import Foundation
import Synchronization
import Testing

/// The promise, under SIGKILL.
@Suite(.timeLimit(.minutes(10))) struct KillTests {
    /// `ORGLOOP_QUEUE_KILLS` asks for more than CI's twenty.
    private static var kills: Int {
        ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_KILLS"].flatMap(Int.init) ?? 20
    }

    @Test func `acknowledged events arrive once and in order through kills at random moments`() async throws {
        let run = try await KillRun()
        let history = try await run.play(kills: Self.kills)
        #expect(history.verdict() == HandoverHistory.Verdict())
        #expect(history.sent.count >= Self.kills)
        #expect(history.sent.values.allSatisfy { $0 != nil })
        // A key has one row, however often it was sent.
        #expect(history.stored.count == history.sent.count)
        #expect(try run.sql("SELECT count(*) FROM double_emissions") == "0")
        #expect(try run.sql("PRAGMA integrity_check") == "ok")
    }

    @Test func `the checker finds each fault`() {
        func batch(_ checkpoint: String, _ events: [String], body: String? = nil) -> HandoverHistory.Batch {
            .init(checkpoint: checkpoint, body: body ?? events.joined(), events: events, isSaved: true)
        }
        var clean = HandoverHistory()
        clean.sent = ["k1": "a", "k2": "b", "k3": nil]
        clean.stored = ["a", "b"]
        clean.batches = [batch("1", ["a"]), batch("2", ["b"])]
        #expect(clean.verdict() == HandoverHistory.Verdict())

        var lost = clean
        lost.batches.removeLast()
        #expect(lost.verdict().lost == ["b"])
        var unexpected = clean
        unexpected.batches.append(batch("3", ["x"]))
        #expect(unexpected.verdict().unexpected == ["x"])
        var duplicated = clean
        duplicated.batches.append(batch("3", ["a"]))
        #expect(duplicated.verdict().duplicated == ["a"])
        var reordered = clean
        reordered.batches.reverse()
        #expect(reordered.verdict().reordered == ["a"])
        var changed = clean
        changed.batches.append(
            .init(checkpoint: "2", body: "other", events: ["b"], isSaved: false))
        #expect(changed.verdict().changed == ["2"])
    }
}

/// One run: a service that is killed and restarted on one port, senders that retry, one poller.
private final class KillRun: Sendable {
    private struct State {
        var service: ServiceProcess
        var acknowledged = 0
        var isOver = false
        var history = HandoverHistory()
    }

    private let scratch: Scratch
    private let address: String
    private let state: Mutex<State>

    init() async throws {
        scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        address = "127.0.0.1:\(service.port)"
        state = Mutex(State(service: service))
    }

    func play(kills: Int) async throws -> HandoverHistory {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<6 { group.addTask { try await self.send(as: sender) } }
            group.addTask { try await self.poll() }
            for _ in 0..<kills { try await killAfterSomeAcknowledgements() }
            state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        let stored = try sql("SELECT id FROM events ORDER BY seq")
        let service = state.withLock { state in
            state.history.stored = stored.split(separator: "\n").map(String.init)
            return state.service
        }
        await service.stop()
        return state.withLock(\.history)
    }

    /// What a second program reads while the service runs.
    func sql(_ question: String) throws -> String {
        let shell = Process()
        shell.executableURL = URL(filePath: try Tool.path("sqlite3"))
        shell.arguments = ["-readonly", scratch.state + "/queue.db", question]
        let output = Pipe()
        shell.standardOutput = output
        try shell.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        shell.waitUntilExit()
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    private func killAfterSomeAcknowledgements() async throws {
        let goal = state.withLock(\.acknowledged) + Int.random(in: 1...40)
        while state.withLock(\.acknowledged) < goal {
            try Task.checkCancellation()
            await Task.yield()
        }
        await state.withLock(\.service).kill()
        let next = try await ServiceProcess.start(in: scratch, ["--listen", address])
        state.withLock { $0.service = next }
    }

    private func send(as sender: Int) async throws {
        var number = 0
        while !state.withLock(\.isOver) {
            number += 1
            let key = "sender-\(sender)-\(number)"
            state.withLock { $0.history.sent[key] = .some(nil) }
            let id = try await acknowledge(key)
            state.withLock { state in
                state.history.sent[key] = id
                state.acknowledged += 1
            }
        }
    }

    /// Sends one event until it is answered 200, always under the same key.
    private func acknowledge(_ key: String) async throws -> String {
        let body = #"{"session_id":"\#(key)","working_directory":"/w","duration_seconds":1,"exit_status":0}"#
        let client = try QueueClient(url: "http://" + address)
        while true {
            try Task.checkCancellation()
            let reply = try? await client.send(
                "POST", "/webhook/claude-code", headers: [("Idempotency-Key", key)], body: Array(body.utf8))
            guard let reply, reply.status == 200 else {
                await Task.yield()
                continue
            }
            return try JSONDecoder().decode(Receipt.self, from: Data(reply.body)).event_id
        }
    }

    /// Polls to the end; now and then it dies between an answer and its checkpoint's save.
    private func poll() async throws {
        var saved = "null"
        var isLast = false
        while true {
            try Task.checkCancellation()
            let client = try state.withLock(\.service).client()
            let request = #"{"checkpoint":\#(saved),"limit":25,"wait_ms":\#(isLast ? 0 : 200)}"#
            let reply = try? await client.send(
                "POST", "/v1/consumers/orgloop/sources/claude-code/poll", body: Array(request.utf8))
            guard let reply, reply.status == 200 else {
                await Task.yield()
                continue
            }
            let answer = try JSONDecoder().decode(Polled.self, from: Data(reply.body))
            guard !answer.events.isEmpty, let checkpoint = answer.checkpoint else {
                if isLast { return }
                // All senders have their answers once the last event was acknowledged.
                isLast = state.withLock { $0.isOver && !$0.history.sent.values.contains(nil) }
                continue
            }
            let isSaved = Int.random(in: 0..<5) > 0
            let body = reply.text.replacing(#""resent":true"#, with: #""resent":false"#)
            state.withLock {
                $0.history.batches.append(
                    .init(checkpoint: checkpoint, body: body, events: answer.events.map(\.id), isSaved: isSaved))
            }
            if isSaved { saved = "\"\(checkpoint)\"" }
        }
    }

    private struct Receipt: Decodable { let event_id: String }

    private struct Polled: Decodable {
        struct Event: Decodable { let id: String }

        let events: [Event]
        let checkpoint: String?
    }
}
