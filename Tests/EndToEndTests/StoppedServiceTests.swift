import Foundation
import Testing

/// The verbs of the command line while the service runs, while it is stopped, and in between.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct StoppedServiceTests {
    @Test func `a verb that is given the database alone finds the service on its free port`() async throws {
        let service = try await ServiceProcess.start(in: Scratch(), ["--database", "queue.db"])
        for verb in [["send", "claude-code"], ["poll", "claude-code"], ["status"]] {
            let run = try await Binary.run(verb + ["--database", "queue.db"], in: service.scratch)
            #expect(run.status == 0)
            #expect(run.error.isEmpty)
            #expect(!run.output.isEmpty)
        }
        await service.stop()
    }

    @Test func `what is sent and polled while the service is stopped is what it goes on with`() async throws {
        let scratch = try Scratch()
        try await Self.makeDatabase(in: scratch)
        let sent = try await Binary.run(["send", "claude-code", "--count", "3"], in: scratch)
        #expect(sent.status == 0)
        #expect(sent.error.isEmpty)
        let polled = try await Binary.run(["poll", "claude-code", "--limit", "2"], in: scratch)
        #expect(polled.lines.count == 3)
        let service = try await ServiceProcess.start(in: scratch)
        let rest = try await service.run(["poll", "claude-code"])
        #expect(rest.status == 0)
        #expect(rest.output.isEmpty)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await service.run(["poll", "claude-code"]).lines.count == 1)
        await service.stop()
    }

    @Test func `a verb that serves itself leaves nothing behind but what it did`() async throws {
        let scratch = try Scratch()
        try await Self.makeDatabase(in: scratch)
        try FileManager.default.removeItem(atPath: scratch.state + "/token")
        let run = try await Binary.run(["send", "claude-code"], in: scratch)
        #expect(run.status == 0)
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.state).sorted()
        #expect(files.filter { !$0.hasSuffix("-shm") && !$0.hasSuffix("-wal") } == ["queue.db", "queue.db.lock"])
        #expect(try Data(contentsOf: URL(filePath: scratch.database + ".lock")).isEmpty)
    }

    @Test func `verbs at the same moment wait for each other while the service is stopped`() async throws {
        let scratch = try Scratch()
        try await Self.makeDatabase(in: scratch)
        try await withThrowingTaskGroup(of: Binary.Result.self) { group in
            for _ in 1...4 { group.addTask { try await Binary.run(["send", "claude-code"], in: scratch) } }
            for try await run in group { #expect(run.status == 0, "\(run.error)") }
        }
        #expect(try await Binary.run(["poll", "claude-code"], in: scratch).lines.count == 4)
    }

    @Test(arguments: writing)
    func `a verb that writes does the same while the service runs and while it is stopped`(
        _ verb: [String]
    ) async throws {
        var results: [[String]] = []
        for isRunning in [true, false] {
            let service = try await Self.prepared()
            if !isRunning { await service.stop() }
            let run = try await Binary.run(verb, in: service.scratch)
            #expect(run.status == 0, "\(run.error)")
            let status = try await Binary.run(["events", "--json"], in: service.scratch)
            results.append([run.output, run.error, status.output].map(Self.withoutChance))
            await service.stop()
        }
        #expect(results[0] == results[1])
        #expect(!results[0][0].isEmpty)
    }

    @Test(arguments: writing)
    func `a verb is refused when a process holds the database and does not answer`(
        _ verb: [String]
    ) async throws {
        let scratch = try Scratch()
        try await Self.makeDatabase(in: scratch)
        let before = try scratch.read("state/orgloop-queue/queue.db")
        let held = try HeldLock(database: scratch.database, content: "4711\nhttp://127.0.0.1:1\n")
        let run = try await Binary.run(verb, in: scratch)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("no service answers at http://127.0.0.1:1"))
        #expect(run.error.contains("process 4711 holds the database \(scratch.database)"))
        #expect(try scratch.read("state/orgloop-queue/queue.db") == before)
        held.release()
        #expect(try await Binary.run(["send", "claude-code"], in: scratch).status == 0)
    }

    @Test func `a holder that never says where it listens is not taken for the service of another database`()
        async throws
    {
        let other = try await ServiceProcess.start(in: Scratch())
        let scratch = try Scratch()
        try await Self.makeDatabase(in: scratch)
        try scratch.write("listen: 127.0.0.1:\(other.port)\nconsumers: []", to: "q.yaml")
        let held = try HeldLock(database: scratch.database, content: "4711\n")
        defer { held.release() }
        let run = try await Binary.run(["status", "--config", "q.yaml"], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("no service answers, and process 4711 holds"))
        // Ten seconds without a word look like a hang.
        #expect(run.error.hasPrefix("orgloop-queue: waiting for process 4711, which has the database"))
        await other.stop()
    }

    @Test func `a database that was named and is missing is not looked for in another service`() async throws {
        let other = try await ServiceProcess.start(in: Scratch())
        let scratch = try Scratch()
        try scratch.write("listen: 127.0.0.1:\(other.port)\nconsumers: []", to: "q.yaml")
        let run = try await Binary.run(["status", "--config", "q.yaml", "--database", "typo.db"], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("typo.db"))
        await other.stop()
    }

    @Test func `a service that hangs is told from one that is stopped`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        service.child.send(signal: SIGSTOP)
        let run = try await Binary.run(["send", "claude-code"], in: service.scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("no service answers at \(service.url), and process \(service.processID) holds"))
        service.child.send(signal: SIGCONT)
        #expect(try await Binary.run(["send", "claude-code"], in: service.scratch).status == 0)
        await service.stop()
    }

    @Test func `without a service and without a database both are named`() async throws {
        let scratch = try Scratch()
        try scratch.write("listen: 127.0.0.1:1\ndatabase: no.db\nconsumers: []", to: "q.yaml")
        let run = try await Binary.run(["status", "--config", "q.yaml"], in: scratch)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("neither a service at http://127.0.0.1:1 nor a database ./no.db"))
        #expect(run.error.contains("orgloop-queue serve"))
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/no.db"))
    }

    @Test func `a verb that waits for new events says why it needs the service`() async throws {
        let scratch = try Scratch()
        try await Self.makeDatabase(in: scratch)
        let run = try await Binary.run(["poll", "claude-code", "--follow"], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("is stopped, and --follow waits for new events"))
        #expect(run.error.contains("orgloop-queue serve"))
    }

    @Test func `a database that must not be served is refused as the service refuses it`() async throws {
        let scratch = try Scratch()
        try scratch.write(String(repeating: "this is no database. ", count: 500), to: "garbage.db")
        let run = try await Binary.run(["status", "--database", "garbage.db"], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("garbage.db"))
    }

    // MARK: Helpers

    static let writing = [
        ["send", "claude-code"], ["poll", "claude-code"], ["resume", "claude-code", "--reason", "r"],
        ["replay", "--in-doubt", "--reason", "r"], ["replay", "--batch", "1", "--reason", "r", "--json"],
        ["prune", "--keep", "1ms"], ["consumer", "drop", "gone", "--reason", "r", "--yes"],
    ]

    /// A service with an event in doubt, one delivered, one pending, and a consumer that is gone.
    private static func prepared() async throws -> ServiceProcess {
        let service = try await ServiceProcess.start(in: Scratch())
        let engine = Engine(service: service)
        let ids = try await engine.send(2)
        let session = try await engine.open()
        let batch = try await engine.poll(nil, session)
        _ = try await engine.poll(batch.checkpoint, session)
        try await engine.settle([ids[0]: "delivered"], session)
        try await engine.close(session)
        _ = try await Engine(service: service, consumer: "gone").poll(nil, limit: 1)
        _ = try await engine.send(1)
        // What `poll` presents is what the engine saved last.
        try service.scratch.write(
            batch.checkpoint ?? "", to: "state/orgloop-queue/poll-orgloop-claude-code.checkpoint")
        return service
    }

    /// The text without ids, keys, digests and times, which differ from run to run.
    private static func withoutChance(_ text: String) -> String {
        text.replacing(#/(evt|rpl|ses|sess)[_-][0-9a-f-]+/#, with: "ID")
            .replacing(#/[0-9a-f]{8}-[0-9a-f-]{27}/#, with: "UUID")
            .replacing(#/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/#, with: "TIME")
    }

    private static func makeDatabase(in scratch: Scratch) async throws {
        #expect(try await ServiceProcess.start(in: scratch).stop() == 0)
    }
}

/// The service lock in the hands of a process that does not answer: this one, under another's number.
final class HeldLock: Sendable {
    /// The lock could not be taken.
    struct Failure: Error {}

    private let descriptor: Int32

    init(database: String, content: String) throws {
        let descriptor = open(database + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0, ftruncate(descriptor, 0) == 0,
            content.withCString({ pwrite(descriptor, $0, strlen($0), 0) }) == content.utf8.count
        else { throw Failure() }
        self.descriptor = descriptor
    }

    func release() { close(descriptor) }
}
