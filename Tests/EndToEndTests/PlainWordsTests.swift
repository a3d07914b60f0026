import Foundation
import Testing

/// What the verbs say, where a word too few led people astray.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct PlainWordsTests {
    // MARK: Names

    @Test(arguments: [
        ["events"], ["events", "--json"], ["tail"], ["replay", "list"], ["replay", "--in-doubt", "--reason", "r"],
    ])
    func `a source that the queue does not have is no empty list`(_ verb: [String]) async throws {
        let service = try await Self.read()
        let run = try await service.run(verb + ["--source", "claude-kode"])
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("no source claude-kode"))
        #expect(run.error.contains("It has: claude-code."))
        let known = try await service.run(["events", "--source", "claude-code"])
        #expect(known.status == 0)
        await service.stop()
    }

    @Test(arguments: [["events"], ["replay", "list"], ["replay", "--in-doubt", "--reason", "r"]])
    func `a consumer that reads nothing is no empty list`(_ verb: [String]) async throws {
        let service = try await Self.read()
        for flags in [[], ["--source", "claude-code"]] {
            let run = try await service.run(verb + flags + ["--consumer", "orglop"])
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.error.contains("no consumer orglop reads"))
            #expect(run.error.contains("It is read by: me."))
        }
        await service.stop()
    }

    @Test func `the replays of a consumer that was dropped say so`() async throws {
        let service = try await Self.read()
        let replay = try await service.run(["replay", "--batch", "1", "--consumer", "me", "--reason", "again"])
        #expect(replay.status == 0, "\(replay.error)")
        let drop = try await service.run(["consumer", "drop", "me", "--reason", "gone", "--yes"])
        #expect(drop.status == 0, "\(drop.error)")
        let list = try await service.run(["replay", "list"])
        #expect(list.output.contains(" me (dropped) "))
        #expect(!list.output.contains("#"))
        let id = try #require(list.lines.last?.split(separator: " ").first.map(String.init))
        #expect(try await service.run(["replay", "show", id]).output.contains("consumer   me (dropped)"))
        await service.stop()
    }

    // MARK: Figures

    @Test func `status counts what is held, not what ever came`() async throws {
        let service = try await Self.read(3)
        #expect(try await service.run(["status"]).output.contains("3 events, database "))
        #expect(try await service.run(["prune", "--keep", "1ms"]).output.contains("deleted 3 events"))
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await service.run(["status"]).output.contains("\n1 event, database "))
        let json = try Answer(try await service.run(["status", "--json"]).output)["sources"].list.first
        #expect(json?["events"].number == 4)
        #expect(json?["held"].number == 1)
        await service.stop()
    }

    @Test func `one event is one event`() async throws {
        let service = try await Self.read()
        let scratch = service.scratch
        #expect(try await Binary.run(["export", "--output", "e"], in: scratch).output.hasPrefix("e: 1 event, "))
        #expect(try await Binary.run(["backup", "b"], in: scratch).output.hasPrefix("b: 1 event, "))
        await service.stop()
    }

    @Test func `tail tells machines where an event stands for each of its consumers`() async throws {
        let service = try await Self.read(2)
        _ = try await Engine(service: service, consumer: "other").poll(nil, limit: 1)
        let run = try await service.run(["tail", "--json"])
        let events = try run.lines.map { try Answer($0) }
        #expect(events.map { $0["seq"].number } == [1, 2])
        #expect(
            events.map { $0["consumers"].list.map { "\($0["consumer"].text) \($0["state"].text)" }.sorted() }
                == [["me confirmed", "other drained"], ["me confirmed", "other pending"]])
        #expect(events.allSatisfy { $0["state"].value == nil && $0["source"].text == "claude-code" })
        await service.stop()
    }

    // MARK: Files

    @Test func `a token file that was named and is missing is named`() async throws {
        let service = try await Self.read()
        let run = try await service.run(["status", "--token-file", "typo"])
        #expect(run.status == 1)
        #expect(run.error.contains("there is no token file typo"))
        await service.stop()
    }

    @Test func `export takes times like every verb`() async throws {
        let service = try await Self.read(2)
        await service.stop()
        let all = try await Binary.run(["export", "--since", "1h"], in: service.scratch)
        #expect(all.status == 0, "\(all.error)")
        #expect(all.lines.count == 2)
        #expect(try await Binary.run(["export", "--until", "1h"], in: service.scratch).output.isEmpty)
        #expect(try await Binary.run(["export", "--since", "yesterday"], in: service.scratch).status == 2)
    }

    @Test func `export writes over an export, and over nothing else without force`() async throws {
        let service = try await Self.read(2)
        await service.stop()
        let scratch = service.scratch
        try scratch.write("do not lose me\n", to: "notes.txt")
        let refused = try await Binary.run(["export", "--output", "notes.txt"], in: scratch)
        #expect(refused.status == 1)
        #expect(refused.error.contains("notes.txt exists and is no export"))
        #expect(refused.error.contains("--force"))
        #expect(try scratch.read("notes.txt") == Data("do not lose me\n".utf8))
        for flags in [["--force"], []] {
            let run = try await Binary.run(["export", "--output", "notes.txt"] + flags, in: scratch)
            #expect(run.status == 0, "\(run.error)")
        }
        #expect(try String(decoding: scratch.read("notes.txt"), as: UTF8.self).hasPrefix(#"{"orgloop_queue":1"#))
    }

    // MARK: Helpers

    /// A service of which `me` has read and confirmed everything.
    private static func read(_ count: Int = 1) async throws -> ServiceProcess {
        let service = try await ServiceProcess.start(in: Scratch())
        _ = try await Engine(service: service).send(count)
        let reader = Engine(service: service, consumer: "me")
        let batch = try await reader.poll(nil)
        _ = try await reader.poll(batch.checkpoint)
        return service
    }
}
