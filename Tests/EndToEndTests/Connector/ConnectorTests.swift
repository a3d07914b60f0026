import Foundation
import Testing

/// The connector in real Node, in an engine that behaves as OrgLoop's does, against the real service.
@Suite(
    .timeLimit(.minutes(5)), .aFewAtATime, .enabled(if: ConnectorScene.hasNode, "node is not installed"),
    .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
struct ConnectorTests {
    @Test func `the module keeps what it promises by itself`() async throws {
        let scratch = try Scratch()
        let run = try ChildProcess(
            Tool.path("node"), ["--test", ConnectorScene.directory + "/connector.test.mjs"], in: scratch)
        let output = await run.readToEnd()
        #expect(await run.waitForExit() == 0, "\(output)")
        #expect(output.contains("# fail 0") || output.contains("ℹ fail 0"))
    }

    @Test func `each event reaches the actor once, however polls overlap`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        let ids = try await Engine(service: service).send(80)
        let engine = try scene.engine(service.url) {
            $0.interval = 2
            // The logger is imported again under another address, as engines may do.
            $0.loggerURL = "?again"
        }
        try await service.waitForStates(["delivered": 80])
        await engine.stop()
        #expect(Set(scene.deliveries) == Set(ids.map { "\($0) agent" }))
        #expect(scene.deliveries.count == 80)
        #expect(engine.child.standardError == "")
        try await service.expectNoDoubleEmission()
        await service.stop()
    }

    /// What a restarted engine finds of what it had saved.
    enum Kept: CaseIterable {
        case saved, old, nothing
    }

    @Test(arguments: Kept.allCases)
    func `what a killed engine had not finished is in doubt, and a replay delivers it`(_ kept: Kept) async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        let first = try await Engine(service: service).send(5)
        let calm = try scene.engine(service.url)
        try await service.waitForStates(["delivered": 5])
        await calm.stop()
        let old = try Data(contentsOf: scene.checkpointFile)

        let second = try await Engine(service: service).send(20)
        let doomed = try scene.engine(service.url) { $0.actors["agent"] = .init(holdAt: 8) }
        _ = try await doomed.line { $0.count == 8 }
        // The engine has saved the batch and works on its eighth event when it dies.
        try await service.waitForStates(["delivered": 12, "confirmed": 13])
        await doomed.kill()
        switch kept {
        case .saved: break
        case .old: try old.write(to: scene.checkpointFile)
        case .nothing: try FileManager.default.removeItem(at: scene.checkpointFile)
        }

        let engine = try scene.engine(service.url)
        try await service.waitForStates(["delivered": 12, "in_doubt": 13])
        #expect(try await service.ids("in_doubt") == Array(second[7...]))
        let third = try await Engine(service: service).send(3)
        try await service.waitForStates(["delivered": 15, "in_doubt": 13])
        let handed = first + second.prefix(8) + third
        #expect(scene.deliveries.sorted() == handed.map { "\($0) agent" }.sorted())
        #expect(engine.child.standardError.contains("had lost its checkpoint") == (kept != .saved))

        #expect(try await service.run(["replay", "--in-doubt", "--reason", "killed"]).status == 0)
        try await service.waitForStates(["delivered": 28])
        await engine.stop()
        // The eighth was begun twice: once by the engine that died, once by the replay, which is on record.
        #expect(scene.deliveries.sorted() == (handed + second[7...]).map { "\($0) agent" }.sorted())
        try await service.expectNoDoubleEmission()
        await service.stop()
    }

    @Test func `a throwing actor leaves its event and those behind it in doubt, and no other`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        let ids = try await Engine(service: service).send(10)
        let engine = try scene.engine(service.url) {
            $0.routes = [.init(name: "a", actor: "first"), .init(name: "b", actor: "agent")]
            $0.actors["agent"] = .init(throwAt: 4)
        }
        _ = try await engine.line { $0.aborted == true }
        // The engine goes on with what comes next; nobody can tell yet what it made of the rest.
        let more = try await Engine(service: service).send(2)
        try await service.waitForStates(["delivered": 5, "confirmed": 7])
        await engine.stop()
        try await service.waitForStates(["delivered": 5, "in_doubt": 7])
        #expect(try await service.ids("in_doubt") == Array(ids[3...]))
        #expect(try await service.ids("delivered") == ids.prefix(3) + more)
        #expect(try await service.run(["replay", "--in-doubt", "--reason", "threw"]).status == 0)
        let next = try scene.engine(service.url)
        try await service.waitForStates(["delivered": 12])
        await next.stop()
        try await service.expectNoDoubleEmission()
        await service.stop()
    }

    @Test func `a service that is killed and started again costs neither events nor outcomes`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        let ids = try await Engine(service: service).send(20)
        let engine = try scene.engine(service.url) { $0.actors["agent"] = .init(delayMilliseconds: 20) }
        _ = try await engine.line { $0.count == 3 }
        await service.kill()
        // The engine works on while the service is away, and keeps what it has to report.
        _ = try await engine.line { $0.done == 20 }
        let again = try await ServiceProcess.start(in: scratch, ["--listen", "127.0.0.1:\(service.port)"])
        let more = try await Engine(service: again).send(5)
        try await again.waitForStates(["delivered": 25])
        await engine.stop()
        // Batches that the engine works on at once interleave, so the order is each batch's only.
        #expect(scene.deliveries.sorted() == (ids + more).map { "\($0) agent" }.sorted())
        let lines = engine.child.standardError.split(separator: "\n")
        #expect(lines.count { $0.contains("cannot reach the queue") } == 1)
        #expect(lines.count { $0.contains("works again") } == 1)
        try await again.expectNoDoubleEmission()
        await again.stop()
    }

    @Test func `answers that are cut on the way are asked for again and handed over once`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        let ids = try await Engine(service: service).send(60)
        let proxy = try ScriptProcess(
            "proxy.mjs", [service.url, #"{"1":"cut","2":"half","4":"cut","5":"cut"}"#], in: scratch)
        let url = try await proxy.line { $0.url != nil }.url ?? ""
        let engine = try scene.engine(url)
        _ = try await proxy.line { $0.spoilt == 5 }
        try await service.waitForStates(["delivered": 60])
        await engine.stop()
        await proxy.kill()
        #expect(scene.deliveries.count == 60)
        #expect(Set(scene.deliveries) == Set(ids.map { "\($0) agent" }))
        try await service.expectNoDoubleEmission()
        await service.stop()
    }

    @Test func `a service that starts after the engine is found, with the token it made`() async throws {
        let scratch = try Scratch()
        let first = try await ServiceProcess.start(in: scratch)
        await first.stop()
        try FileManager.default.removeItem(atPath: scratch.state)
        let scene = try ConnectorScene(in: scratch)
        let engine = try scene.engine(first.url)
        _ = try await engine.line { $0.started != nil }
        let service = try await ServiceProcess.start(in: scratch, ["--listen", "127.0.0.1:\(first.port)"])
        _ = try await Engine(service: service).send(3)
        try await service.waitForStates(["delivered": 3])
        await engine.stop()
        #expect(engine.child.standardError.contains("cannot reach the queue"))
        #expect(engine.child.standardError.contains("Start it with: orgloop-queue serve"))
        await service.stop()
    }

    @Test func `an engine that another one has fenced says so once and reads nothing more`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        let first = try scene.engine(service.url)
        _ = try await first.line { $0.started != nil }
        let second = try scene.engine(service.url)
        _ = try await second.line { $0.started != nil }
        _ = try await Engine(service: service).send(10)
        _ = try await second.line { $0.done != nil }
        try await service.waitForStates(["delivered": 10])
        await first.stop()
        await second.stop()
        #expect(scene.deliveries.count == 10)
        #expect(first.child.standardError.split(separator: "\n").count == 2)
        #expect(first.child.standardError.contains("another engine reads this source"))
        #expect(second.child.standardError == "")
        await service.stop()
    }

    @Test func `without the logger events are confirmed, and the service knows no more`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        _ = try await Engine(service: service).send(5)
        let engine = try scene.engine(service.url) { $0.logger = false }
        try await service.waitForStates(["confirmed": 5])
        await engine.stop()
        #expect(try await service.states() == ["confirmed": 5])
        await service.stop()
    }
}

/// What the service is told of each event.
@Suite(
    .timeLimit(.minutes(5)), .aFewAtATime, .enabled(if: ConnectorScene.hasNode, "node is not installed"),
    .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
struct ConnectorOutcomeTests {
    typealias Route = ConnectorScene.Settings.Route

    @Test(arguments: [
        (
            [Route(name: "a", actor: "x"), Route(name: "b", actor: "y")],
            "delivered\troute b, target y: the actor failed"
        ),
        ([Route(name: "a", actor: "x"), Route(name: "b", actor: "x", drop: true)], "delivered\t"),
        (
            [Route(name: "b", actor: "y"), Route(name: "c", actor: "x", drop: true)],
            "failed\troute b, target y: the actor failed"
        ),
        ([Route(name: "c", actor: "x", drop: true)], "dropped\troute c, transform filter"),
        ([Route(name: "d", actor: "x", type: "message.received")], "no_route\t"),
    ])
    func `the outcome of an event is that of all its routes`(_ routes: [Route], _ outcome: String) async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        let scene = try ConnectorScene(in: scratch)
        _ = try await Engine(service: service).send(1)
        let engine = try scene.engine(service.url) {
            $0.routes = routes
            $0.actors["y"] = .init(failAt: 1)
        }
        let state = String(outcome.prefix { $0 != "\t" })
        try await service.waitForStates([state: 1])
        await engine.stop()
        let rows = try await SQLiteShell.rows(
            "SELECT outcome, coalesce(detail, '') FROM emissions", of: scratch.database, in: scratch)
        #expect(rows == [outcome])
        await service.stop()
    }
}
