import Foundation
import Testing

/// Consumers as their operator lists and forgets them.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct ConsumerCommandTests {
    @Test func `consumers are listed with what they read and how far`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let nobody = try await service.run(["consumer", "list"])
        #expect(nobody.status == 0)
        #expect(nobody.output.isEmpty)
        _ = try await Engine(service: service).send(3)
        _ = try await Engine(service: service, consumer: "me").poll(nil, limit: 2)
        let run = try await service.run(["consumer", "list"])
        let words = run.lines.map { $0.split(separator: " ").map(String.init) }
        #expect(words.count == 2)
        #expect(words.last.map { [$0[0], $0[1], $0[3]] } == ["me", "claude-code", "1"])
        let json = try Answer(try await service.run(["consumer", "list", "--json"]).output)
        #expect(json["consumers"].list.map { $0["id"].text } == ["me"])
        await service.stop()
    }

    @Test func `a consumer that is dropped no longer holds events`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let engine = Engine(service: service)
        _ = try await engine.send(3)
        let batch = try await engine.poll(nil)
        _ = try await engine.poll(batch.checkpoint)
        _ = try await Engine(service: service, consumer: "gone").poll(nil, limit: 2)
        #expect(try await service.run(["prune", "--keep", "1ms"]).output.contains("deleted 0 events"))
        let drop = try await service.run(["consumer", "drop", "gone", "--reason", "replaced", "--yes"])
        #expect(drop.status == 0)
        #expect(drop.output.contains("dropped gone, which read 1 source: gave up 1 pending and 2 unfinished"))
        #expect(try await !service.run(["consumer", "list"]).output.contains("gone"))
        #expect(try await service.run(["prune", "--keep", "1ms"]).output.contains("deleted 3 events"))
        await service.stop()
    }

    @Test func `nobody is dropped without a word when nobody can be asked`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        _ = try await Engine(service: service).poll(nil)
        let run = try await service.run(["consumer", "drop", "orgloop", "--reason", "r"])
        #expect(run.status == 2)
        #expect(run.error.contains("--yes"))
        #expect(try await service.run(["consumer", "list"]).output.contains("orgloop"))
        await service.stop()
    }

    @Test(arguments: [true, false])
    func `a consumer whose engine may be running is dropped with force only, and on record`(
        isRunning: Bool
    ) async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let engine = Engine(service: service)
        _ = try await engine.send(1)
        let session = try await engine.open()
        let scratch = service.scratch
        if !isRunning { await service.stop() }
        let drop = ["consumer", "drop", "orgloop", "--reason", "replaced", "--actor", "ada", "--yes"]
        let refused = try await Binary.run(drop, in: scratch)
        #expect(refused.status == 1)
        #expect(refused.error.contains("session_open"))
        #expect(refused.error.contains("claude-code: open test/1 since "))
        #expect(refused.error.contains("--force"))
        #expect(try await Binary.run(["consumer", "list"], in: scratch).output.contains("orgloop"))
        let forced = try await Binary.run(drop + ["--force"], in: scratch)
        #expect(forced.status == 0, "\(forced.error)")
        #expect(forced.output.contains("gave up 1 pending and 0 unfinished events"))
        let rows = try await SQLiteShell.rows(
            "SELECT consumer, actor, reason FROM consumer_drops", of: scratch.database, in: scratch)
        #expect(rows == ["orgloop\tada\treplaced"])
        if isRunning {
            await #expect(throws: Engine.Refused.self) { _ = try await engine.poll(nil, session) }
        }
        await service.stop()
    }

    @Test func `a consumer that nobody knows is refused by name`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let run = try await service.run(["consumer", "drop", "nobody", "--reason", "r", "--yes"])
        #expect(run.status == 1)
        #expect(run.error.contains("no consumer nobody"))
        #expect(run.error.contains("consumer list"))
        await service.stop()
    }
}
