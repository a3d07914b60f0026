import EventQueueHTTP
import Foundation
import Testing

/// What a 200 means on the disk, seen from outside.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct DurabilityTests {
    @Test(.enabled("strace is missing or may not trace") { await Tool.canTrace() })
    func `every acknowledged POST of a sequence has reached the disk with a sync of its own`() async throws {
        let scratch = try Scratch()
        let trace = scratch.path + "/trace"
        // -D keeps the service the child of this test: strace would hold its signals back.
        let service = try await ServiceProcess.start(
            in: scratch, tracer: ["strace", "-D", "-f", "-e", "trace=fdatasync,fsync", "-o", trace])
        for number in 1...20 {
            let before = try Self.syncs(in: trace)
            #expect(try await Self.post(number, to: service).status == 200)
            #expect(try Self.syncs(in: trace) > before, "POST \(number) was acknowledged without a sync")
        }
        #expect(await service.stop() == 0)
    }

    @Test(.enabled("strace is missing or may not trace") { await Tool.canTrace() }, arguments: 1...4)
    func `a service that is killed at one of the first syncs of its life starts again`(_ number: Int) async throws {
        let scratch = try Scratch()
        let kill = "inject=fdatasync,fsync:signal=KILL:when=\(number)"
        await #expect(throws: ServiceProcess.NotStarted.self) {
            try await ServiceProcess.start(
                in: scratch, tracer: ["strace", "-f", "-e", "trace=fdatasync,fsync", "-e", kill, "-o", "/dev/null"])
        }
        let service = try await ServiceProcess.start(in: scratch)
        #expect(try await Self.post(1, to: service).status == 200)
        #expect(await service.stop() == 0)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `the database opens in sqlite3 while the service runs, with everything that was acknowledged`()
        async throws
    {
        let service = try await ServiceProcess.start(in: Scratch())
        for number in 1...5 {
            #expect(try await Self.post(number, to: service).status == 200)
            #expect(try await Self.sql("SELECT count(*) FROM events", service) == ["\(number)"])
        }
        // The verb polls until nothing comes, which confirms what came.
        #expect(try await service.run(["poll", "claude-code"]).lines.count == 5)
        #expect(try await Self.sql("SELECT DISTINCT state FROM events", service) == ["confirmed"])
        #expect(try await Self.sql("SELECT * FROM double_emissions", service) == [])
        #expect(try await Self.sql("PRAGMA journal_mode", service) == ["wal"])
        #expect(try await Self.post(6, to: service).status == 200)
        await service.stop()
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `a reader that forgets its transaction does not stop senders`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await Self.post(1, to: service).status == 200)
        let release = service.scratch.path + "/release"
        #expect(mkfifo(release, 0o600) == 0)
        let count = "SELECT count(*) FROM events;"
        let reader = try ChildProcess(
            Tool.path("sqlite3"),
            [
                "-readonly", "-bail", service.scratch.database, "BEGIN;", count,
                ".shell echo holding; cat release", count, "COMMIT;", count,
            ], in: service.scratch)
        // The shell writes its rows at its end, and the program it runs at once.
        #expect(await reader.readLine() == "holding")
        for number in 2...50 { #expect(try await Self.post(number, to: service).status == 200) }
        #expect(try await Self.sql(count, service) == ["50"])
        let releaser = try ChildProcess("/bin/sh", ["-c", "echo released > release"], in: service.scratch)
        #expect(await releaser.waitForExit() == 0)
        // Two equal counts: it did hold its snapshot all the time.
        let lines = await reader.readToEnd().split(separator: "\n").filter { $0 != "released" }
        #expect(lines == ["1", "1", "50"])
        #expect(await service.stop() == 0)
    }

    @Test func `a database that was removed under the service is not written to any more`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await Self.post(1, to: service).status == 200)
        try FileManager.default.removeItem(atPath: service.scratch.database)
        do {
            let refused = try await Self.post(2, to: service)
            #expect(refused.status == 503)
            #expect(refused.header("Retry-After") != nil)
        } catch is QueueClient.Failure {
            // The service's own housekeeping noticed first, and ended it.
        }
        #expect(await service.child.waitForExit() == 1)
    }

    @Test(.enabled(if: Tool.has("prlimit"), "prlimit is not installed"))
    func `a file that cannot grow answers 503, keeps the service alive, and heals by itself`() async throws {
        // The soft limit only, so that it can be lifted again.
        let service = try await ServiceProcess.start(
            in: Scratch(), tracer: ["sh", "-c", "ulimit -S -f 2048; exec \"$0\" \"$@\""])
        var acknowledged: [String] = []
        var refused: QueueClient.Reply?
        // The WAL reaches the limit long before.
        for number in 1...200 where refused == nil {
            let reply = try await Self.post(number, summaryBytes: 50_000, to: service)
            if reply.status == 200 { acknowledged.append(try Self.id(in: reply)) } else { refused = reply }
        }
        let answer = try #require(refused, "nothing was refused")
        #expect(answer.status == 503)
        #expect(answer.header("Retry-After").flatMap(Int.init) != nil)
        #expect(!acknowledged.isEmpty)
        #expect(try await service.client().send("GET", "/health").status == 200)
        // Not even a small one fits any more.
        try await Self.limitFiles(of: service, to: "1")
        #expect(try await Self.post(201, to: service).status == 503)
        let unready = try await service.client().send("GET", "/ready")
        #expect(unready.status == 503)
        #expect(unready.text.contains("The disk is full."))
        try await Self.limitFiles(of: service, to: "unlimited")
        // Before anybody has sent anything: who asks here decides where senders are led.
        #expect(try await service.client().send("GET", "/ready").status == 200)
        acknowledged.append(try Self.id(in: try await Self.post(202, to: service)))
        let polled = try await service.run(["poll", "claude-code", "--limit", "1000"])
        let ids = try polled.lines.map { try JSONDecoder().decode(Event.self, from: Data($0.utf8)).id }
        #expect(ids == acknowledged)
        #expect(await service.stop() == 0)
    }

    // MARK: Helpers

    private struct Receipt: Decodable { let event_id: String }

    private struct Event: Decodable { let id: String }

    /// Sets the soft limit of how large a file may become.
    private static func limitFiles(of service: ServiceProcess, to bytes: String) async throws {
        let prlimit = try ChildProcess(
            Tool.path("prlimit"), ["--pid", "\(service.processID)", "--fsize=\(bytes):"], in: service.scratch)
        #expect(await prlimit.waitForExit() == 0)
    }

    private static func post(
        _ number: Int, summaryBytes: Int = 0, to service: ServiceProcess
    ) async throws -> QueueClient.Reply {
        let summary = String(repeating: "x", count: summaryBytes)
        let body = """
            {"session_id":"s\(number)","working_directory":"/w","duration_seconds":1,"exit_status":0,\
            "summary":"\(summary)"}
            """
        return try await service.client().send("POST", "/webhook/claude-code", body: Array(body.utf8))
    }

    private static func id(in reply: QueueClient.Reply) throws -> String {
        try JSONDecoder().decode(Receipt.self, from: Data(reply.body)).event_id
    }

    private static func sql(_ question: String, _ service: ServiceProcess) async throws -> [String] {
        try await SQLiteShell.rows(question, of: service.scratch.database, in: service.scratch)
    }

    /// Syncs that returned; a call that another thread interrupted is on two lines.
    private static func syncs(in trace: String) throws -> Int {
        try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
            .count { $0.contains("sync") && $0.hasSuffix("= 0") }
    }
}
