import EventQueue
import EventQueueHTTP
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// A running service takes over a changed configuration, or refuses it whole (DESIGN §9, issue 5).
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct ReloadTests {
    @Test func `a rotation takes three steps, and no sender is refused in between`() async throws {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        try Self.write(Self.signed("[\"new\", \"old\"]"), to: scratch)
        let second = try await service.run(["config", "reload"])
        #expect(second.status == 0)
        #expect(second.lines.contains { $0.contains("source hooks: key ") && $0.hasSuffix(" added") })
        #expect(try await Self.status(service, signedWith: "old") == 200)
        #expect(try await Self.status(service, signedWith: "new") == 200)
        try Self.write(Self.signed("[\"new\"]"), to: scratch)
        let third = try await service.run(["config", "reload", "--json"])
        #expect(third.output.contains("dropped"))
        #expect(try await Self.status(service, signedWith: "old") == 401)
        #expect(try await Self.status(service, signedWith: "new") == 200)
        for text in [second.output, third.output, service.standardError] {
            #expect(!text.contains("\"old\"") && !text.contains("\"new\""), "a secret was told")
        }
        await service.stop()
    }

    @Test func `fifty signals while hooks come in lose and refuse none of them`() async throws {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        try Self.write(Self.signed("[\"new\", \"old\"]"), to: scratch)
        try await withThrowingTaskGroup(of: [Int].self) { senders in
            for _ in 0..<4 {
                senders.addTask {
                    var statuses: [Int] = []
                    for _ in 0..<50 { statuses.append(try await Self.status(service, signedWith: "old")) }
                    return statuses
                }
            }
            for _ in 0..<50 {
                service.child.send(signal: SIGHUP)
                _ = try await service.client().send("GET", "/health")
            }
            for try await statuses in senders { #expect(statuses == Array(repeating: 200, count: 50)) }
        }
        let events = try await SQLiteShell.rows("SELECT count(*) FROM events", of: scratch.database, in: scratch)
        #expect(events == ["200"])
        #expect(await service.stop() == 0)
    }

    @Test func `a poll that waits goes on waiting, and a new source has its events handed over`() async throws {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        let client = try service.client()
        let waiting = Task {
            try await client.send(
                "POST", "/v1/consumers/orgloop/sources/hooks/poll",
                body: Array(#"{"checkpoint":null,"wait_ms":30000}"#.utf8), timeout: .seconds(60))
        }
        try await Self.whileTrue { try await !service.run(["status", "--json"]).output.contains(#""id":"orgloop""#) }
        try Self.write(Self.signed("[\"old\"]") + Self.open("deploys"), to: scratch)
        #expect(try await service.run(["config", "reload"]).output.contains("source deploys: added, unsigned"))
        #expect(try await service.run(["send", "deploys"]).status == 0)
        #expect(try await service.run(["poll", "deploys"]).status == 0)
        #expect(try await Self.status(service, signedWith: "old") == 200)
        let polled = try await waiting.value
        #expect(polled.status == 200 && polled.text.contains("evt_"))
        await service.stop()
    }

    @Test func `a file that cannot be used is refused whole, and every voice says so until it is mended`() async throws
    {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        let sound = Self.signed("[\"new\"]") + Self.open("deploys")
        try Self.write(sound + "limits: { body_bytes_max: 1, body_byte_max: 2 }\n", to: scratch)
        let refused = try await service.run(["config", "reload"])
        #expect(refused.status == 1)
        #expect(refused.error.contains("q.yaml:6:") && refused.error.contains("body_byte_max"))
        #expect(try await Self.status(service, signedWith: "old") == 200)
        #expect(try await Self.status(service, signedWith: "new") == 401)
        #expect(try await service.client().send("POST", "/webhook/deploys", body: Array("{}".utf8)).status == 404)
        #expect(service.standardError.contains("the new configuration is refused; the old one still holds"))
        #expect(try await service.run(["status"]).output.contains("q.yaml was refused at "))
        let doctor = try await service.run(["doctor", "--config", "q.yaml"])
        #expect(doctor.status == 1)
        #expect(try await service.run(["doctor"]).output.contains("configuration in force"))
        try Self.write(sound, to: scratch)
        #expect(try await service.run(["config", "reload"]).status == 0)
        #expect(try await !service.run(["status"]).output.contains("refused"))
        #expect(try await Self.status(service, signedWith: "new") == 200)
        await service.stop()
    }

    static let unusable: [(name: String, text: String?)] = [
        ("gone", nil), ("empty", ""), ("only a comment", "# sources:\n"), ("no YAML", "sources: ["),
        ("a variable that is not set", "database: ${NOBODY_SET_IT}"),
    ]

    @Test(arguments: unusable.indices)
    func `what an editor, a slip or a full disk leaves of the file changes nothing`(_ index: Int) async throws {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        if let text = Self.unusable[index].text {
            try Self.write(text, to: scratch)
        } else {
            try FileManager.default.removeItem(atPath: scratch.path + "/q.yaml")
        }
        #expect(try await service.run(["config", "reload"]).status == 1, "\(Self.unusable[index].name)")
        #expect(try await Self.status(service, signedWith: "old") == 200)
        #expect(try await service.client().send("POST", "/webhook/claude-code", body: Array("{}".utf8)).status == 404)
        await service.stop()
    }

    @Test func `a pipe in the place of the file is refused, and does not keep later orders waiting`() async throws {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        let path = scratch.path + "/q.yaml"
        try FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        let refused = try await service.run(["config", "reload"])
        #expect(refused.status == 1)
        #expect(refused.error.contains("is no file that can be read again"))
        try FileManager.default.removeItem(atPath: path)
        try Self.write(Self.signed("[\"new\"]"), to: scratch)
        #expect(try await service.run(["config", "reload"]).status == 0)
        #expect(await service.stop() == 0)
    }

    @Test func `verbs find the service although its file is broken within, or names variables they lack`() async throws
    {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        try Self.write(Self.signed("[\"${NOBODY_SET_IT}\"]") + "limits: { body_bytes_max: none }\n", to: scratch)
        for verb in [
            ["status"], ["events"], ["poll", "hooks"], ["quarantine", "list"], ["replay", "list"],
            ["consumer", "list"],
        ] {
            let run = try await Binary.run(verb + ["--config", "q.yaml"], in: scratch)
            #expect(run.status == 0, "\(verb): \(run.error)")
        }
        #expect(try await service.run(["config", "reload"]).status == 1)
        let doctor = try await Binary.run(["doctor", "--config", "q.yaml"], in: scratch)
        #expect(doctor.status == 1)
        for finding in ["ready at \(service.url)", "configuration in force", "NOBODY_SET_IT"] {
            #expect(doctor.output.contains(finding))
        }
        let verify = try await Binary.run(["verify", "--config", "q.yaml"], in: scratch)
        #expect(verify.status == 0)
        #expect(verify.error.contains("some signatures are not checked"))
        // What says where things are has to be certain: another database is worse than none.
        try Self.write("databse: elsewhere.db\n" + Self.signed("[\"old\"]"), to: scratch)
        #expect(try await Binary.run(["status", "--config", "q.yaml"], in: scratch).status == 1)
        await service.stop()
    }

    @Test func `what only a restart can change is told, and the rest is applied`() async throws {
        let (scratch, service) = try await Self.start(Self.signed("[\"old\"]"))
        try Self.write("database: elsewhere/queue.db\n" + Self.signed("[\"new\"]"), to: scratch)
        let reload = try await service.run(["config", "reload"])
        #expect(reload.status == 0)
        #expect(reload.output.contains("needs a restart of the service: database from "))
        #expect(try await Self.status(service, signedWith: "new") == 200)
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/elsewhere"))
        #expect(try await service.run(["status"]).output.contains("needs a restart of the service: database"))
        // The file asks for what the process does: there is nothing left to do.
        try Self.write(Self.signed("[\"new\"]"), to: scratch)
        #expect(try await service.run(["config", "reload"]).output.contains("nothing to change"))
        #expect(try await !service.run(["status"]).output.contains("restart"))
        await service.stop()
    }

    @Test func `an unsigned source is judged by where the service listens, not by where the file would`() async throws {
        let scratch = try Scratch()
        try Self.write("listen: 0.0.0.0:0\n" + Self.signed("[\"old\"]"), to: scratch)
        let child = try ChildProcess(try Binary.path(), ["serve", "--config", "q.yaml"], in: scratch)
        let url = try #require(await child.readLine()?.split(separator: " ").last)
        try Self.write("listen: 127.0.0.1:0\n" + Self.open("hooks", isFirst: true), to: scratch)
        let reload = try await Binary.run(["config", "reload", "--url", String(url)], in: scratch)
        #expect(reload.status == 1)
        #expect(reload.error.contains("source hooks has no secret, and 0.0.0.0:0 is reachable from other machines"))
        child.send(signal: SIGTERM)
        #expect(await child.waitForExit() == 0)
    }

    @Test func `limits, retention and what a consumer wants hold without a restart`() async throws {
        let (scratch, service) = try await Self.start(Self.open("a", isFirst: true))
        #expect(try await service.run(["send", "a", "--count", "3"]).status == 0)
        #expect(try await service.run(["poll", "a", "--limit", "2"]).status == 0)
        #expect(try await service.run(["poll", "a"]).status == 0)
        let rest = """
            consumers: [{ id: orgloop, on_regressed: refuse }]
            retention: { keep: 1s }
            limits: { body_bytes_max: 10, quarantine_rows_max: 7 }

            """
        try Self.write(Self.open("a", isFirst: true) + rest, to: scratch)
        let reload = try await service.run(["config", "reload"])
        for change in [
            "consumer orgloop: on_regressed from resume to refuse", "retention: keep from none to 1s",
            "limits: body_bytes_max from 1048576 to 10", "limits: quarantine_rows_max from 10000 to 7",
        ] {
            #expect(reload.lines.contains("  " + change))
        }
        let client = try service.client()
        #expect(try await client.send("POST", "/webhook/a", body: Array(#"{"a":12345}"#.utf8)).status == 413)
        let regressed = try await client.send(
            "POST", "/v1/consumers/orgloop/sources/a/poll", body: Array(#"{"checkpoint":null}"#.utf8))
        #expect(regressed.status == 409 && regressed.text.contains("checkpoint_regressed"))
        // The two that are confirmed go; the third is in a batch whose checkpoint nobody presented yet.
        try await Self.whileTrue { try await service.run(["events"]).lines.dropFirst().count > 1 }
        await service.stop()
    }

    @Test func `a source that comes with a buffer of OrgLoop has it imported`() async throws {
        let (scratch, service) = try await Self.start(Self.open("a", isFirst: true))
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/buffer", withIntermediateDirectories: true)
        let event =
            #"{"id":"evt_00000000000000aa","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code","type":"#
            + #""actor.stopped","provenance":{"platform":"claude-code","platform_event":"session.exited"},"payload":{}}"#
        try scratch.write(event + "\n", to: "buffer/claude-code-claude-code.jsonl")
        let buffered = """
              - id: claude-code
                connector: "@orgloop/connector-claude-code"
                config: { buffer_dir: buffer }

            """
        try Self.write(Self.open("a", isFirst: true) + buffered, to: scratch)
        #expect(try await service.run(["config", "reload"]).status == 0)
        try await Self.whileTrue {
            try await !service.run(["events", "--source", "claude-code"]).output.contains("evt_00000000000000aa")
        }
        await service.stop()
    }

    @Test func `a signal that comes before the service is ready is kept until it is`() async throws {
        let scratch = try Scratch()
        let pipe = scratch.path + "/q.yaml"
        #expect(mkfifo(pipe, 0o600) == 0)
        let child = try ChildProcess(
            try Binary.path(), ["serve", "--config", "q.yaml", "--listen", "127.0.0.1:0"], in: scratch)
        // Opens when the service reads its configuration, so it has been told what to do with signals.
        let first = try #require(FileHandle(forWritingAtPath: pipe))
        for _ in 0..<5 { child.send(signal: SIGHUP) }
        // Whoever reads it the next time finds a file.
        try FileManager.default.removeItem(atPath: pipe)
        try Self.write(Self.open("b", isFirst: true), to: scratch)
        try first.write(contentsOf: Data(Self.open("a", isFirst: true).utf8))
        try first.close()
        let url = try #require(await child.readLine()?.split(separator: " ").last)
        let client = try QueueClient(url: String(url))
        try await Self.whileTrue {
            try await client.send("POST", "/webhook/b", body: Array("{}".utf8)).status != 200
        }
        child.send(signal: SIGTERM)
        #expect(await child.waitForExit() == 0)
    }

    @Test(.enabled(if: Tool.has("python3"), "python3 is not installed"))
    func `a service whose terminal is closed stops as every program there does`() async throws {
        let scratch = try Scratch()
        let script = """
            import os, pty, sys
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            while b"ready" not in os.read(terminal, 4096): pass
            os.close(terminal)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """
        let run = try ChildProcess(
            Tool.path("python3"), ["-c", script, try Binary.path(), "serve", "--listen", "127.0.0.1:0"], in: scratch)
        #expect(await run.readToEnd() == "0\n")
        #expect(await run.waitForExit() == 0)
    }

    @Test func `the supervisor hears of the reading, and of a refusal in its status`() async throws {
        let scratch = try Scratch()
        try Self.write(Self.open("a", isFirst: true), to: scratch)
        let socket = try NotifySocket(scratch.path + "/notify")
        let service = try await ServiceProcess.start(
            in: scratch, ["--config", "q.yaml"], environment: ["NOTIFY_SOCKET": socket.name])
        #expect(await socket.receive()?.hasPrefix("READY=1\n") == true)
        try Self.write("sources: 1\n", to: scratch)
        service.child.send(signal: SIGHUP)
        #expect(await socket.receive()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
        let status = await socket.receive()
        #expect(status?.hasPrefix("READY=1\nSTATUS=ready on \(service.url), with its old configuration") == true)
        await service.stop()
    }

    @Test func `a stopped service has nothing to reload, and the verb says so`() async throws {
        let scratch = try Scratch()
        #expect(try await Binary.run(["migrate", "--database", "queue.db"], in: scratch).status == 0)
        let run = try await Binary.run(["config", "reload", "--database", "queue.db"], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("it reads its configuration when it starts"))
    }

    @Test func `the service is found by a file that only the service can judge`() async throws {
        let scratch = try Scratch()
        let secret =
            "sources:\n  - { id: a, connector: \"@orgloop/connector-webhook\", config: { secret: \"${SECRET}\" } }\n"
        try Self.write("database: here.db\n" + secret, to: scratch)
        let service = try await ServiceProcess.start(
            in: scratch, ["--config", "q.yaml"], environment: ["SECRET": "known to the service"])
        let reload = try await Binary.run(["config", "reload", "--config", "q.yaml"], in: scratch)
        #expect(reload.status == 0)
        #expect(reload.output.contains("nothing to change"))
        await service.stop()
    }

    /// Asks again and again until `isSo` is false, or the time limit of the suite is over.
    private static func whileTrue(_ isSo: () async throws -> Bool) async throws {
        while try await isSo() { try Task.checkCancellation() }
    }

    // MARK: Configurations

    private static func signed(_ secrets: String) -> String {
        """
        sources:
          - id: hooks
            connector: "@orgloop/connector-webhook"
            config: { secrets: \(secrets) }

        """
    }

    private static func open(_ id: String, isFirst: Bool = false) -> String {
        (isFirst ? "sources:\n" : "") + "  - { id: \(id), connector: \"@orgloop/connector-webhook\" }\n"
    }

    private static func write(_ text: String, to scratch: Scratch) throws { try scratch.write(text, to: "q.yaml") }

    private static func start(_ text: String) async throws -> (Scratch, ServiceProcess) {
        let scratch = try Scratch()
        try write(text, to: scratch)
        return (scratch, try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"]))
    }

    private static func status(_ service: ServiceProcess, signedWith secret: String) async throws -> Int {
        let body = Array(#"{"number":1}"#.utf8)
        let proof = Verifier.Scheme.hub.proof(of: body, by: try #require(Secret(secret)), id: "1", at: .now())
        return try await service.client().send(
            "POST", "/webhook/hooks", headers: proof.map { ($0.name, $0.value) }, body: body
        ).status
    }
}
