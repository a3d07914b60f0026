import Foundation
import Testing

/// What an operator sees of the events: `events`, `show`, `tail` and `status`.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct EventsCommandTests {
    // MARK: events

    @Test func `each event is listed in the state it is in, from its arrival to its outcome`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let engine = Engine(service: service)
        let ids = try await engine.send(6)
        #expect(try await service.listed("--state", "pending") == ids)
        let session = try await engine.open()
        let batch = try await engine.poll(nil, session)
        #expect(try await service.listed("--state", "drained") == ids)
        _ = try await engine.poll(batch.checkpoint, session)
        #expect(try await service.listed("--state", "confirmed") == ids)
        try await engine.settle(
            [ids[0]: "delivered", ids[1]: "dropped", ids[2]: "no_route", ids[3]: "failed"], session)
        for (state, id) in zip(["delivered", "dropped", "no_route", "failed"], ids) {
            #expect(try await service.listed("--state", state) == [id])
        }
        #expect(try await service.listed("--state", "confirmed") == Array(ids[4...]))
        try await engine.close(session)
        #expect(try await service.listed("--state", "in_doubt") == Array(ids[4...]))
        #expect(try await service.run(["replay", "--event-id", ids[4], "--reason", "r"]).status == 0)
        #expect(try await service.listed("--state", "replaying") == [ids[4]])
        #expect(try await service.listed("--state", "in_doubt") == [ids[5]])
        await service.stop()
    }

    @Test func `events is a table that lines up, one row per event and consumer`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let ids = try await Engine(service: service).send(2)
        for consumer in ["one", "two"] {
            _ = try await Engine(service: service, consumer: consumer).poll(nil)
        }
        let run = try await service.run(["events"])
        #expect(run.status == 0)
        #expect(run.error.isEmpty)
        let words = run.lines.map { $0.split(separator: " ").map(String.init) }
        #expect(
            words[0] == [
                "SEQ", "ID", "SOURCE", "TYPE", "EVENT", "RECEIVED", "CONSUMER", "STATE", "EMISSIONS",
            ])
        #expect(words.dropFirst().map { $0[1] } == [ids[0], ids[0], ids[1], ids[1]])
        #expect(Set(words.dropFirst().map { $0[6] }) == ["one", "two"])
        #expect(words.dropFirst().allSatisfy { $0[7] == "drained" && $0[8] == "1" })
        #expect(!run.output.contains("\u{1B}"))
        await service.stop()
    }

    @Test func `events are chosen by source, type, consumer, time and place`() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.twoSources, to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        let first = try await Engine(service: service).send(3)
        let second = try await Engine(service: service, source: "hook").send(2)
        #expect(try await service.listed() == first + second)
        #expect(try await service.listed("--source", "hook") == second)
        #expect(try await service.listed("--type", "actor.stopped") == first)
        #expect(try await service.listed("--since", "1h") == first + second)
        #expect(try await service.listed("--until", "1h").isEmpty)
        #expect(try await service.listed("--since", "2099-01-01T00:00:00Z").isEmpty)
        _ = try await Engine(service: service).poll(nil)
        #expect(try await service.listed("--consumer", "orgloop", "--state", "drained") == first)
        let page = try await service.run(["events", "--limit", "2"])
        #expect(page.lines.count == 3)
        #expect(page.error.contains("--after 2"))
        let rest = try Answer(try await service.run(["events", "--json", "--limit", "2", "--after", "2"]).output)
        #expect(rest["events"].list.map { $0["id"].text } == [first[2], second[0]])
        let last = try Answer(try await service.run(["events", "--json", "--limit", "2", "--last"]).output)
        #expect(last["events"].list.map { $0["id"].text } == second)
        await service.stop()
    }

    @Test func `what a sender wrote cannot steer a terminal`() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.twoSources, to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        let body = #"{"type":"\u001b[2Jgone\u009b"}"#
        #expect(try await service.run(["send", "hook", "--body", "-"], input: body).status == 0)
        for verb in [["events"], ["tail"], ["show", try await service.listed()[0]]] {
            let run = try await service.run(verb)
            #expect(run.status == 0, "\(run.error)")
            #expect(!run.output.contains("\u{1B}") && !run.output.contains("\u{9B}"))
        }
        await service.stop()
    }

    // MARK: show

    @Test func `show tells everything about an event, and its envelope byte for byte`() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.twoSources, to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        let payload = "{\n  \"type\": \"x\",\n  \"z\": 1.10e2, \"text\": \"a  b\\\\\\\"\"\n}"
        let sent = try await service.run(
            ["send", "hook", "--body", "-", "--idempotency-key", "delivery-1"], input: payload)
        let id = try Answer(sent.output)["event_id"].text
        let engine = Engine(service: service, source: "hook")
        try await engine.crash(with: [id])
        let run = try await service.run(["show", id])
        #expect(run.status == 0)
        for text in [
            id, "hook", "delivery-1", "consumer orgloop: in_doubt", "sha256 ", "DRAINED", "IN DOUBT", payload,
        ] {
            #expect(run.output.contains(text), "\(text)")
        }
        let json = try Answer(try await service.run(["show", id, "--json"]).output)
        #expect(json["event"]["id"].text == id)
        #expect(json["consumers"].list.first?["emissions"].list.count == 1)
        await service.stop()
    }

    @Test func `the command that show and status print beside an event in doubt replays it`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let engine = Engine(service: service)
        let ids = try await engine.send(3)
        try await engine.crash(with: ids)
        let show = try await service.run(["show", ids[1]])
        let shown = try #require(show.lines.compactMap { Self.command($0, after: "replay it: ") }.first)
        #expect(try await Binary.shell(shown, in: service.scratch).status == 0)
        #expect(try await service.listed("--state", "replaying") == [ids[1]])
        let status = try await service.run(["status"])
        let advised = try #require(status.lines.compactMap { Self.command($0, after: "2 in doubt: ") }.first)
        #expect(try await Binary.shell(advised, in: service.scratch).status == 0)
        #expect(try await service.listed("--state", "replaying") == ids)
        let after = try await service.run(["status"]).output
        #expect(!after.contains("in doubt:"))
        #expect(after.contains("3 waiting in a replay: orgloop-queue replay list"))
        await service.stop()
    }

    @Test func `show of an event that is not there exits 1`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        for flags in [[], ["--json"]] {
            let run = try await service.run(["show", "evt_0000000000000000"] + flags)
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.error.contains("unknown_event"))
        }
        await service.stop()
    }

    // MARK: tail

    @Test func `tail shows the newest events once each, whoever reads them`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let ids = try await Engine(service: service).send(5)
        for consumer in ["one", "two", "three"] {
            _ = try await Engine(service: service, consumer: consumer).poll(nil, limit: 4)
        }
        let all = try await service.run(["tail"])
        #expect(all.lines.count == 5)
        let newest = try await service.run(["tail", "-n", "3"])
        #expect(newest.lines.map { $0.split(separator: " ")[2] } == ids[2...].map { Substring($0) })
        let json = try await service.run(["tail", "-n", "2", "--json"])
        #expect(try json.lines.map { try Answer($0)["id"].text } == Array(ids[3...]))
        await service.stop()
    }

    @Test func `tail follows across a restart of the service and ends quietly when it is told to`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let first = try await Engine(service: service).send(2)
        let tail = try ChildProcess(
            Binary.path(), ["tail", "--follow", "-n", "1", "--json"], in: scratch)
        #expect(try Answer(await tail.readLine() ?? "")["id"].text == first[1])
        let second = try await Engine(service: service).send(1)
        #expect(try Answer(await tail.readLine() ?? "")["id"].text == second[0])
        await service.kill()
        // On another port, which only the lock file tells.
        let other = try await ServiceProcess.start(in: scratch)
        let third = try await Engine(service: other).send(2)
        for id in third { #expect(try Answer(await tail.readLine() ?? "")["id"].text == id) }
        tail.send(signal: SIGINT)
        #expect(await tail.waitForExit() == 0)
        #expect(!tail.standardError.contains("refused"))
        await other.stop()
    }

    @Test func `tail ends when its reader goes away`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        _ = try await Engine(service: service).send(3)
        let shell = try ChildProcess(
            "/bin/sh", ["-c", "\"$0\" tail --follow --url \"$1\" | head -n 1", Binary.path(), service.url],
            in: service.scratch)
        #expect(await shell.readLine() != nil)
        // Only a write tells that nobody reads any more: the first may still have come in time, not all.
        _ = try await Engine(service: service).send(3)
        _ = try await Engine(service: service).send(1)
        #expect(await shell.waitForExit() == 0)
        #expect(shell.standardError.isEmpty)
        await service.stop()
    }

    // MARK: status

    @Test func `status sums up and says when the service is stopped`() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.twoSources, to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        let engine = Engine(service: service)
        try await engine.crash(with: try await engine.send(2))
        _ = try await Engine(service: service, source: "hook").send(3)
        let running = try await service.run(["status"])
        #expect(!running.output.contains("stopped"))
        await service.stop()
        let stopped = try await Binary.run(["status", "--config", "q.yaml"], in: scratch)
        #expect(stopped.status == 0)
        #expect(stopped.output.contains("the service is stopped"))
        for run in [running, stopped] {
            let total = run.lines.first { $0.hasPrefix("total") }?.split(separator: " ").map(String.init)
            #expect(total?[1] == "3")
            #expect(total?[5] == "2")
            #expect(run.output.contains("5 events, database "))
            #expect(run.output.contains("--in-doubt"))
        }
    }

    // MARK: Helpers

    static let twoSources = """
        sources:
          - { id: claude-code, connector: "@orgloop/connector-claude-code" }
          - { id: hook, connector: "@orgloop/connector-webhook" }
        """

    private static func command(_ line: String, after mark: String) -> String? {
        line.firstRange(of: mark).map { String(line[$0.upperBound...]) }
    }
}
