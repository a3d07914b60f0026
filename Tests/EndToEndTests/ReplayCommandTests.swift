import Foundation
import Testing

/// Replays as their operator orders them, each selection through the real binary.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct ReplayCommandTests {
    /// A service with four events of which the engine has delivered all.
    private struct Delivered {
        let service: ServiceProcess
        let engine: Engine
        let ids: [String]
        let session: String
        let checkpoint: String?

        init(in scratch: Scratch, _ arguments: [String] = []) async throws {
            service = try await ServiceProcess.start(in: scratch, arguments)
            engine = Engine(service: service)
            ids = try await engine.send(4)
            session = try await engine.open()
            // Two batches of two, the second confirmed by a poll that finds nothing.
            let first = try await engine.poll(nil, session, limit: 2)
            let second = try await engine.poll(first.checkpoint, session, limit: 2)
            checkpoint = try await engine.poll(second.checkpoint, session).checkpoint
            for id in ids { try await engine.settle([id: "delivered"], session) }
        }

        /// The ids that the engine is handed next.
        func next() async throws -> [String] { try await engine.poll(checkpoint, session).ids }

        func replay(_ flags: [String]) async throws -> Binary.Result {
            try await service.run(["replay", "--reason", "test"] + flags)
        }
    }

    @Test func `events that are named are handed over again, in the order of arrival`() async throws {
        let queue = try await Delivered(in: Scratch())
        let run = try await queue.replay(["--event-id", queue.ids[3], "--event-id", queue.ids[1]])
        #expect(run.status == 0)
        #expect(run.output.contains("orgloop of claude-code gets 2 events again"))
        let batch = try await queue.engine.poll(queue.checkpoint, queue.session)
        #expect(batch.ids == [queue.ids[1], queue.ids[3]])
        #expect(batch.reasons == ["test", "test"])
        await queue.service.stop()
    }

    @Test func `a batch is handed over again`() async throws {
        let queue = try await Delivered(in: Scratch())
        #expect(try await queue.replay(["--batch", "2"]).status == 0)
        #expect(try await queue.next() == Array(queue.ids[2...]))
        await queue.service.stop()
    }

    @Test func `a range of sequence numbers is handed over again`() async throws {
        let queue = try await Delivered(in: Scratch())
        #expect(try await queue.replay(["--from-seq", "2", "--to-seq", "3"]).status == 0)
        #expect(try await queue.next() == Array(queue.ids[1...2]))
        await queue.service.stop()
    }

    @Test func `what was received since a time is handed over again`() async throws {
        let queue = try await Delivered(in: Scratch())
        let until = try await queue.replay(["--since", "2h", "--until", "1h"])
        #expect(until.status == 1)
        #expect(until.error.contains("nothing_to_replay"))
        #expect(try await queue.replay(["--since", "1h"]).status == 0)
        #expect(try await queue.next() == queue.ids)
        await queue.service.stop()
    }

    @Test func `what is in doubt is handed over again, source by source`() async throws {
        let scratch = try Scratch()
        try scratch.write(EventsCommandTests.twoSources, to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        var ids: [String] = []
        for source in ["claude-code", "hook"] {
            let engine = Engine(service: service, source: source)
            ids += try await engine.send(2)
            try await engine.crash(with: Array(ids.suffix(2)))
        }
        let run = try await service.run(["replay", "--in-doubt", "--reason", "crash", "--json"])
        #expect(run.status == 0)
        let receipts = try run.lines.map { try Answer($0) }
        #expect(receipts.map { $0["source"].text } == ["claude-code", "hook"])
        #expect(receipts.allSatisfy { $0["events"].number == 2 && $0["replay_id"].text.hasPrefix("rpl_") })
        #expect(try await service.states() == ["replaying": 4])
        let again = try await service.run(["replay", "--in-doubt", "--reason", "crash"])
        #expect(again.status == 1)
        #expect(again.error.contains("nothing to replay"))
        await service.stop()
    }

    @Test(arguments: [
        ["--in-doubt"], ["--from-seq", "9", "--to-seq", "10"], ["--since", "1ms", "--until", "2099-01-01T00:00:00Z"],
    ])
    func `a replay of nothing says so and exits 1`(_ selection: [String]) async throws {
        let queue = try await Delivered(in: Scratch())
        let run = try await queue.replay(selection)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("nothing to replay"))
        #expect(try await queue.service.run(["replay", "list", "--json"]).output.contains("\"replays\":[]"))
        await queue.service.stop()
    }

    @Test func `a dry run lists what would go and changes nothing`() async throws {
        let queue = try await Delivered(in: Scratch())
        let run = try await queue.replay(["--from-seq", "1", "--to-seq", "3", "--dry-run"])
        #expect(run.status == 0)
        for id in queue.ids[..<3] { #expect(run.output.contains("  \(id)")) }
        #expect(!run.output.contains(queue.ids[3]))
        #expect(try await queue.service.states() == ["delivered": 4])
        #expect(try await queue.service.run(["replay", "list"]).output.isEmpty)
        #expect(try await queue.next().isEmpty)
        await queue.service.stop()
    }

    @Test func `an order that is sent twice with one key is one order`() async throws {
        let queue = try await Delivered(in: Scratch())
        let order = ["--batch", "1", "--idempotency-key", "k", "--json"]
        let first = try await queue.replay(order)
        let second = try await queue.replay(order)
        #expect(first.status == 0)
        #expect(second.status == 0)
        #expect(try Answer(first.output)["replay_id"].text == Answer(second.output)["replay_id"].text)
        #expect(try await queue.next() == Array(queue.ids[..<2]))
        let other = try await queue.replay(["--batch", "2", "--idempotency-key", "k"])
        #expect(other.status == 1)
        #expect(other.error.contains("idempotency_conflict"))
        await queue.service.stop()
    }

    @Test func `an order records its actor, by default whoever is logged in`() async throws {
        let queue = try await Delivered(in: Scratch())
        #expect(try await queue.replay(["--batch", "1", "--actor", "ada"]).status == 0)
        #expect(try await queue.replay(["--batch", "2"]).status == 0)
        let list = try Answer(try await queue.service.run(["replay", "list", "--json"]).output)["replays"].list
        #expect(list.map { $0["actor"].text } == [NSUserName(), "ada"])
        #expect(list.allSatisfy { $0["reason"].text == "test" && !$0["requested_at"].text.isEmpty })
        await queue.service.stop()
    }

    @Test func `an event that was not handed over yet is skipped, and counted`() async throws {
        let queue = try await Delivered(in: Scratch())
        _ = try await queue.engine.send(1)
        let run = try await queue.replay(["--from-seq", "4", "--to-seq", "5"])
        #expect(run.status == 0)
        #expect(run.output.contains("gets 1 event again"))
        #expect(run.output.contains("1 skipped"))
        await queue.service.stop()
    }

    @Test func `the source may be left out unless there are several`() async throws {
        let scratch = try Scratch()
        try scratch.write(EventsCommandTests.twoSources, to: "q.yaml")
        let queue = try await Delivered(in: scratch, ["--config", "q.yaml"])
        // The other source is configured and has no event.
        #expect(try await queue.replay(["--batch", "1"]).status == 0)
        let hooked = try await Engine(service: queue.service, source: "hook").send(1)
        let refused = try await queue.replay(["--batch", "2"])
        #expect(refused.status == 2)
        #expect(refused.error.contains("claude-code, hook"))
        #expect(try await queue.replay(["--batch", "2", "--source", "claude-code"]).status == 0)
        let pending = try await queue.replay(["--event-id", hooked[0]])
        #expect(pending.status == 1)
        #expect(pending.error.contains("unknown_consumer"))
        await queue.service.stop()
    }

    @Test func `an unknown event and an unknown replay are refused by name`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let event = try await service.run(["replay", "--event-id", "evt_0", "--reason", "r"])
        #expect(event.status == 1)
        #expect(event.error.contains("no event evt_0 is stored"))
        let replay = try await service.run(["replay", "show", "rpl_0"])
        #expect(replay.status == 1)
        #expect(replay.error.contains("unknown_replay"))
        await service.stop()
    }

    @Test(arguments: [
        ["--reason", "r"], ["--in-doubt", "--batch", "1", "--reason", "r"], ["--in-doubt"],
        ["--in-doubt", "--reason", " "], ["--from-seq", "2", "--reason", "r"],
        ["--from-seq", "3", "--to-seq", "2", "--reason", "r"], ["--until", "1h", "--reason", "r"],
        ["--since", "noon", "--reason", "r"], ["--event-id", "x", "--reason", "r"],
        ["--batch", "0", "--reason", "r"], ["--in-doubt", "--reason", "r", "--idempotency-key", "k"],
    ])
    func `an order without exactly one whole selection and a reason is misuse`(_ flags: [String]) async throws {
        let run = try await Binary.run(["replay"] + flags, in: Scratch())
        #expect(run.status == 2)
        #expect(run.output.isEmpty)
    }

    @Test func `a replay goes on behind a SIGKILL of the service without a gap or a repeat`() async throws {
        let scratch = try Scratch()
        let first = try await Delivered(in: scratch)
        let receipt = try await first.replay(["--from-seq", "1", "--to-seq", "4", "--json"])
        let replay = try Answer(receipt.output)["replay_id"].text
        let begun = try await first.engine.poll(first.checkpoint, first.session, limit: 1)
        #expect(begun.ids == [first.ids[0]])
        let before = try await first.service.run(["replay", "show", replay])
        #expect(before.output.contains("1 of 4 events emitted, 3 waiting, 0 skipped"))
        await first.service.kill()

        let service = try await ServiceProcess.start(in: scratch)
        let engine = Engine(service: service)
        let session = try await engine.open()
        var checkpoint = begun.checkpoint
        var rest: [String] = []
        while true {
            let batch = try await engine.poll(checkpoint, session, limit: 2)
            if batch.ids.isEmpty { break }
            #expect(batch.reasons == batch.ids.map { _ in "test" })
            rest += batch.ids
            checkpoint = batch.checkpoint
        }
        #expect(rest == Array(first.ids[1...]))
        let after = try Answer(try await service.run(["replay", "show", replay, "--json"]).output)
        #expect(after["emitted"].number == 4)
        #expect(after["waiting"].number == 0)
        #expect(after["members"].list.map { $0["emission_no"].number } == [2, 2, 2, 2])
        let list = try await service.run(["replay", "list"])
        #expect(list.lines.count == 2)
        #expect(list.lines.last?.hasPrefix(replay) == true)
        await service.stop()
    }
}
