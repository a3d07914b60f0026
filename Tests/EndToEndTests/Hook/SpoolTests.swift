import Foundation
import Testing

/// What hooks leave while the service is down, and what becomes of it.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct SpoolTests {
    @Test func `40 hooks that fire at once while the service is down are 40 events after its start, in order`()
        async throws
    {
        let scratch = try Scratch()
        try await Self.fire(1...40, in: scratch)
        #expect(Self.waiting(in: scratch).count == 40)
        let service = try await ServiceProcess.start(in: scratch)
        let events = try await Hook.events(40, of: service)
        let sessions = events.map { $0["payload"]["session_id"].text }
        #expect(Set(sessions) == Set((1...40).map { "s\($0)" }))
        #expect(sessions.count == 40)
        let times = events.map { $0["timestamp"].text }
        #expect(times == times.sorted())
        try await Self.empty(scratch)
        // The service says what it did once, and nothing of what was in it.
        #expect(service.standardError.contains("took in what hooks had left"))
        #expect(!service.standardError.contains("my-project"))
        await service.stop()
    }

    @Test func `hooks that fire one after the other come in that order`() async throws {
        let scratch = try Scratch()
        for number in 1...5 { #expect(try await Hook("s\(number)").fire(in: scratch).status == 0) }
        let service = try await ServiceProcess.start(in: scratch)
        let sessions = try await Hook.events(5, of: service).map { $0["payload"]["session_id"].text }
        #expect(sessions == (1...5).map { "s\($0)" })
        await service.stop()
    }

    @Test func `a spool file that is cut in half is set aside and named, and the others come in`() async throws {
        let scratch = try Scratch()
        for number in 1...3 { #expect(try await Hook("s\(number)").fire(in: scratch).status == 0) }
        let names = Self.waiting(in: scratch)
        try #require(names.count == 3)
        let path = scratch.state + "/spool/" + names[1]
        let content = try Data(contentsOf: URL(filePath: path))
        try content.prefix(content.count / 2).write(to: URL(filePath: path))
        let service = try await ServiceProcess.start(in: scratch)
        let sessions = try await Hook.events(2, of: service).map { $0["payload"]["session_id"].text }
        #expect(sessions == ["s1", "s3"])
        try await Self.empty(scratch)
        let aside = scratch.state + "/spool/rejected/" + names[1]
        #expect(FileManager.default.contents(atPath: aside) == content.prefix(content.count / 2))
        #expect(try String(contentsOfFile: aside + ".reason", encoding: .utf8) == "it is not a whole spool file\n")
        #expect(service.standardError.contains(names[1]))
        let doctor = try await Binary.run(["doctor"], in: scratch)
        #expect(doctor.output.contains("1 request of hooks was set aside"))
        #expect(doctor.output.contains(aside))
        await service.stop()
    }

    @Test(arguments: [#""/home"#, "s1"])
    func `a spool file that was changed is not believed`(_ mark: String) async throws {
        let scratch = try Scratch()
        #expect(try await Hook("s1").fire(in: scratch).status == 0)
        let name = try #require(Self.waiting(in: scratch).first)
        let path = scratch.state + "/spool/" + name
        let file = try Answer(String(contentsOfFile: path, encoding: .utf8))
        let body = String(decoding: try #require(Data(base64Encoded: file["body"].text)), as: UTF8.self)
        let forged = Data(body.replacing(mark, with: String(mark.reversed())).utf8).base64EncodedString()
        let text = try String(contentsOfFile: path, encoding: .utf8).replacing(file["body"].text, with: forged)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let service = try await ServiceProcess.start(in: scratch)
        try await Self.empty(scratch)
        #expect(try await service.listed() == [])
        #expect(service.standardError.contains("its body does not have its hash"))
        await service.stop()
    }

    @Test func `a request that the service refuses is set aside with its answer`() async throws {
        let scratch = try Scratch()
        let wrong = ["CLAUDE_CODE_WEBHOOK_SECRET": "wrong"]
        #expect(try await Hook("s1").fire(in: scratch, environment: wrong).status == 0)
        let name = try #require(Self.waiting(in: scratch).first)
        let service = try await ServiceProcess.start(
            in: scratch, environment: ["CLAUDE_CODE_WEBHOOK_SECRET": "right"])
        try await Self.empty(scratch)
        #expect(try await service.listed() == [])
        let reason = scratch.state + "/spool/rejected/\(name).reason"
        #expect(
            try String(contentsOfFile: reason, encoding: .utf8) == "401 {\"error\":\"Invalid signature\"}\n")
        await service.stop()
    }

    @Test func `what appears while the service runs is taken in`() async throws {
        let scratch = try Scratch()
        #expect(try await Hook("s1").fire(in: scratch).status == 0)
        let name = try #require(Self.waiting(in: scratch).first)
        let spool = scratch.state + "/spool/"
        try FileManager.default.moveItem(atPath: spool + name, toPath: scratch.path + "/kept")
        let service = try await ServiceProcess.start(in: scratch)
        try FileManager.default.moveItem(atPath: scratch.path + "/kept", toPath: spool + name)
        #expect(try await Hook.events(1, of: service).map { $0["payload"]["session_id"].text } == ["s1"])
        await service.stop()
    }

    @Test func `the same request twice in the spool is one event`() async throws {
        let scratch = try Scratch()
        #expect(try await Hook("s1").fire(in: scratch).status == 0)
        let name = try #require(Self.waiting(in: scratch).first)
        let spool = scratch.state + "/spool/"
        try FileManager.default.copyItem(atPath: spool + name, toPath: spool + "z" + name)
        let service = try await ServiceProcess.start(in: scratch)
        try await Self.empty(scratch)
        #expect(try await service.listed().count == 1)
        await service.stop()
    }

    @Test(.enabled("strace is missing or may not trace") { await Tool.canTrace() })
    func `a kill between the commit and the removal of the file makes no second event`() async throws {
        let scratch = try Scratch()
        try await Self.fire(1...5, in: scratch)
        // The third file that is removed is removed by nobody: its event is committed by then.
        let traced = try await ServiceProcess.start(
            in: scratch,
            tracer: [
                "strace", "-D", "-f", "-o", scratch.path + "/trace", "-P",
                scratch.state + "/spool/"
                    + Self.waiting(in: scratch)[2], "-e", "inject=unlink,unlinkat:signal=KILL",
            ])
        #expect(await traced.child.waitForExit() == -SIGKILL)
        #expect(Self.waiting(in: scratch).count <= 3)
        let service = try await ServiceProcess.start(in: scratch)
        let sessions = try await Hook.events(5, of: service).map { $0["payload"]["session_id"].text }
        #expect(Set(sessions) == Set((1...5).map { "s\($0)" }))
        try await Self.empty(scratch)
        #expect(try await service.listed().count == 5)
        await service.stop()
    }

    @Test func `the next hook brings what waited before it, in order, where the service does not look`()
        async throws
    {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch, ["--database", scratch.path + "/other/queue.db"])
        let url = service.url
        await service.kill()
        for number in 1...2 { #expect(try await Hook("s\(number)").fire(["--url", url], in: scratch).status == 0) }
        #expect(Self.waiting(in: scratch).count == 2)
        // The service has another home, so it does not know the directory.
        let again = try await ServiceProcess.start(
            in: scratch, ["--database", scratch.path + "/other/queue.db", "--listen", String(url.dropFirst(7))],
            environment: ["XDG_STATE_HOME": scratch.path + "/elsewhere"])
        #expect(try await Hook("s3").fire(["--url", url], in: scratch).status == 0)
        #expect(Self.waiting(in: scratch).isEmpty)
        let ordered = try await SQLiteShell.rows(
            "SELECT json_extract(envelope, '$.payload.session_id') FROM events ORDER BY seq",
            of: scratch.path + "/other/queue.db", in: scratch)
        #expect(ordered == ["s1", "s2", "s3"])
        await again.stop()
    }

    @Test func `a service takes what names it out of its user's spool, and leaves what names another`()
        async throws
    {
        let scratch = try Scratch()
        let database = scratch.path + "/other/queue.db"
        let first = try await ServiceProcess.start(in: scratch, ["--database", database])
        await first.kill()
        let other = "http://127.0.0.1:9"
        #expect(try await Hook("theirs").fire(["--url", other], in: scratch).status == 0)
        #expect(
            try await Hook("ours").fire(["--url", first.url.replacing("127.0.0.1", with: "localhost")], in: scratch)
                .status == 0)
        let again = try await ServiceProcess.start(
            in: scratch, ["--database", database, "--listen", String(first.url.dropFirst(7))])
        try await Self.until("one file is left") { Self.waiting(in: scratch).count == 1 }
        let sessions = try await SQLiteShell.rows(
            "SELECT json_extract(envelope, '$.payload.session_id') FROM events", of: database, in: scratch)
        #expect(sessions == ["ours"])
        await again.stop()
    }

    @Test func `a spool that cannot be written beside the database is replaced by the user's own`() async throws {
        let scratch = try Scratch()
        let database = scratch.path + "/other/queue.db"
        let service = try await ServiceProcess.start(in: scratch, ["--database", database])
        await service.kill()
        // Root may write everywhere, but not into a file.
        try scratch.write("", to: "other/spool")
        let run = try await Hook("s1").fire(["--database", database, "--url", service.url], in: scratch)
        #expect(run.status == 0)
        #expect(Self.waiting(in: scratch).count == 1)
        let again = try await ServiceProcess.start(
            in: scratch, ["--database", database, "--listen", String(service.url.dropFirst(7))])
        try await Self.empty(scratch)
        #expect(try await again.run(["events", "--json", "--database", database]).output.contains("session.exited"))
        await again.stop()
    }

    @Test func `an unusable configuration does not lose the event`() async throws {
        let scratch = try Scratch()
        let config = try scratch.write(
            "sources: [{ id: claude-code, connector: 1, config: { secret: $X } }]", to: "q.yaml")
        let run = try await Hook("s1").fire(["--config", config], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("unsigned, because the configuration is unusable"))
        #expect(run.error.contains("q.yaml:1"))
        #expect(Self.waiting(in: scratch).count == 1)
    }

    @Test func `an event that can be kept nowhere is called lost`() async throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: true)
        try scratch.write("", to: "state/orgloop-queue/spool")
        let run = try await Hook("s1").fire(in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("the event is lost"))
    }

    // MARK: Helpers

    private static func fire(_ numbers: ClosedRange<Int>, in scratch: Scratch) async throws {
        try await withThrowingTaskGroup(of: Binary.Result.self) { group in
            for number in numbers { group.addTask { try await Hook("s\(number)").fire(in: scratch) } }
            for try await run in group {
                #expect(run.status == 0)
                #expect(run.output.isEmpty)
                #expect(run.error.contains("the service does not answer; the event waits in"))
            }
        }
    }

    private static func waiting(in scratch: Scratch) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: scratch.state + "/spool")) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
    }

    private static func empty(_ scratch: Scratch) async throws {
        try await until("the spool is empty") { waiting(in: scratch).isEmpty }
    }

    /// Looks again and again: a file that goes away gives no signal.
    private static func until(_ what: String, _ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while !condition() {
            guard ContinuousClock.now < end else { throw Engine.Refused(description: "not within 30 s: \(what)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
