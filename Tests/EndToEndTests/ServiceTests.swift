import EventQueueHTTP
import Foundation
import Testing

/// The service as its operator meets it: start, refusal, stop.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct ServiceTests {
    @Test func `the ready line names the port that was taken, and is all of the output`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(service.readyLine == "orgloop-queue ready on http://127.0.0.1:\(service.port)")
        #expect(service.port > 0)
        let ready = try await service.client().send("GET", "/ready")
        #expect(ready.status == 200)
        #expect(await service.stop() == 0)
        #expect(await service.child.readToEnd() == "")
    }

    @Test func `everything the service makes belongs to its user alone`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        #expect(try Scratch.mode(of: scratch.state) == 0o700)
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch.state) {
            #expect(try Scratch.mode(of: scratch.state + "/" + name) == 0o600, "\(name)")
        }
        let token = try scratch.read("state/orgloop-queue/token")
        #expect(token.count == 65)
        await service.stop()
    }

    @Test func `too few files to open are said at the start, and fewer than connections in the log`() async throws {
        let refused = try await Binary.shell(
            "ulimit -n 24; exec orgloop-queue serve --listen 127.0.0.1:0", in: Scratch())
        #expect(refused.status == 1)
        #expect(refused.error.contains("ulimit -n 1024"))
        let service = try await ServiceProcess.start(
            in: Scratch(), tracer: ["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        #expect(service.standardError.contains("fewer connections than connections_max"))
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(await service.stop() == 0)
    }

    @Test func `the token outlives a restart`() async throws {
        let scratch = try Scratch()
        let first = try await ServiceProcess.start(in: scratch)
        let token = try scratch.read("state/orgloop-queue/token")
        await first.kill()
        let second = try await ServiceProcess.start(in: scratch)
        #expect(try scratch.read("state/orgloop-queue/token") == token)
        #expect(await second.stop() == 0)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal stops the service with 0 although a poll waits`(_ signal: Int32) async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let poll = try ChildProcess(
            Binary.path(), ["poll", "claude-code", "--follow", "--url", service.url], in: service.scratch)
        // The first answer proves that the poll reached the service; then it waits.
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(await poll.readLine()?.contains("actor.stopped") == true)
        service.child.send(signal: signal)
        #expect(await service.child.waitForExit() == 0)
        poll.send(signal: SIGKILL)
        _ = await poll.waitForExit()
    }

    @Test func `a second instance on the same database is refused and the first goes on`() async throws {
        let scratch = try Scratch()
        let first = try await ServiceProcess.start(in: scratch)
        let second = try await Binary.run(["serve", "--listen", "127.0.0.1:0"], in: scratch)
        #expect(second.status == 1)
        #expect(second.output.isEmpty)
        #expect(second.error.contains(scratch.database))
        #expect(try await first.run(["send", "claude-code"]).status == 0)
        #expect(await first.stop() == 0)
    }

    @Test func `a port in use is refused by name`() async throws {
        let first = try await ServiceProcess.start(in: Scratch())
        let run = try await Binary.run(["serve", "--listen", "127.0.0.1:\(first.port)"], in: Scratch())
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("127.0.0.1:\(first.port) is in use by another process"))
        await first.stop()
    }

    @Test func `garbage instead of a database is refused and left as it is`() async throws {
        let scratch = try Scratch()
        let garbage = String(repeating: "this is no database. ", count: 500)
        try scratch.write(garbage, to: "garbage.db")
        try await Self.expectRefusal(of: "garbage.db", in: scratch)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `another program's database is refused and left as it is`() async throws {
        let scratch = try Scratch()
        try await Self.sqlite("foreign.db", "CREATE TABLE t (x); INSERT INTO t VALUES (1);", in: scratch)
        try await Self.expectRefusal(of: "foreign.db", in: scratch)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `a database of a newer version is refused and left as it is`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch, ["--database", "queue.db"])
        await service.stop()
        try await Self.sqlite("queue.db", "PRAGMA user_version = 9999;", in: scratch)
        try await Self.expectRefusal(of: "queue.db", in: scratch)
    }

    @Test func `a database renamed under the service ends it with 1 and without a 200`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        try FileManager.default.moveItem(
            atPath: service.scratch.database, toPath: service.scratch.database + ".moved")
        let refused = try await service.run(["send", "claude-code"])
        #expect(refused.status == 1)
        // Or the service's own housekeeping noticed first, and ended it.
        #expect(refused.error.contains("503") || refused.error.contains("not running"), "\(refused.error)")
        #expect(await service.child.waitForExit() == 1)
        #expect(service.standardError.contains("the store cannot go on"))
    }

    @Test func `migrate says what is pending, applies it, and then finds nothing to do`() async throws {
        let scratch = try Scratch()
        let plan = try await Binary.run(["migrate", "--database", "m.db", "--dry-run"], in: scratch)
        #expect(plan.status == 0)
        #expect(plan.output.contains("would apply 0001"))
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/m.db"))
        let first = try await Binary.run(["migrate", "--database", "m.db"], in: scratch)
        #expect(first.status == 0)
        #expect(first.output.contains("applied 0001"))
        let second = try await Binary.run(["migrate", "--database", "m.db"], in: scratch)
        #expect(second.lines == ["m.db is up to date"])
    }

    @Test func `log lines are JSON when nobody watches, and hold no secret`() async throws {
        let secret = "hush-hush-hush"
        let service = try await ServiceProcess.start(
            in: Scratch(), environment: ["CLAUDE_CODE_WEBHOOK_SECRET": secret])
        await service.stop()
        let lines = service.standardError.split(separator: "\n")
        #expect(!lines.isEmpty)
        for line in lines {
            let entry = try JSONDecoder().decode(Entry.self, from: Data(line.utf8))
            #expect(entry.timestamp.hasSuffix("Z"))
        }
        #expect(!service.standardError.contains(secret))
    }

    // MARK: Helpers

    private struct Entry: Decodable {
        let timestamp: String
        let level: String
        let message: String
    }

    private static func expectRefusal(of name: String, in scratch: Scratch) async throws {
        let before = try scratch.read(name)
        let run = try await Binary.run(["serve", "--listen", "127.0.0.1:0", "--database", name], in: scratch)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains(name))
        #expect(try scratch.read(name) == before)
    }

    private static func sqlite(_ name: String, _ sql: String, in scratch: Scratch) async throws {
        let run = try ChildProcess(Tool.path("sqlite3"), [scratch.path + "/" + name, sql], in: scratch)
        #expect(await run.waitForExit() == 0)
    }
}
