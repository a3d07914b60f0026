import EventQueueHTTP
import Foundation
import Testing

/// `orgloop-queue hook claude-code`, called as Claude Code calls it.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct HookTests {
    private let secret = ["CLAUDE_CODE_WEBHOOK_SECRET": "s3cret"]

    @Test func `an event is in the queue when its hook has ended, signed, without a word`() async throws {
        let service = try await ServiceProcess.start(in: Scratch(), environment: secret)
        let run = try await Hook("abc").fire(in: service.scratch, environment: secret)
        #expect(run.status == 0)
        #expect(run.output.isEmpty)
        #expect(run.error.isEmpty)
        let listed = try Answer(try await service.run(["events", "--json"]).output)["events"].list
        #expect(listed.map { $0["verification"].text } == ["hub"])
        #expect(listed.allSatisfy { !$0["idempotency_key"].isNull })
        let event = try #require(try await Hook.events(1, of: service).first)
        #expect(event["type"].text == "actor.stopped")
        #expect(event["provenance"]["platform_event"].text == "session.exited")
        #expect(event["payload"]["session_id"].text == "abc")
        #expect(event["payload"]["working_directory"].text == "/home/user/my-project")
        #expect(event["payload"]["duration_seconds"].number == 0)
        #expect(event["payload"]["exit_status"].number == 0)
        #expect(event["payload"]["reason"].text == "other")
        await service.stop()
    }

    @Test func `duration and exit status come from the flags, or else from the environment`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let environment = ["CLAUDE_DURATION": "7", "CLAUDE_EXIT_STATUS": "3"]
        #expect(try await Hook("env").fire(in: service.scratch, environment: environment).status == 0)
        let flags = ["--duration-seconds", "2.5", "--exit-status", "130"]
        #expect(try await Hook("flags").fire(flags, in: service.scratch, environment: environment).status == 0)
        let payloads = try await Hook.events(2, of: service).map { $0["payload"] }
        #expect(payloads.map { $0["duration_seconds"].value as? Double } == [7, 2.5])
        #expect(payloads.map { $0["exit_status"].number } == [3, 130])
        await service.stop()
    }

    @Test func `two firings with the same content are two events`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        for _ in 1...2 { #expect(try await Hook("same").fire(in: service.scratch).status == 0) }
        #expect(try await Hook.events(2, of: service).map { $0["payload"]["session_id"].text } == ["same", "same"])
        await service.stop()
    }

    @Test func `a refused event is kept with the reason, and can be sent from there`() async throws {
        let service = try await ServiceProcess.start(in: Scratch(), environment: secret)
        let run = try await Hook("kept").fire(
            in: service.scratch, environment: ["CLAUDE_CODE_WEBHOOK_SECRET": "another"])
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains(#"the service refused the event: 401 {"error":"Invalid signature"}"#))
        let rejected = service.scratch.state + "/spool/rejected"
        let files = try FileManager.default.contentsOfDirectory(atPath: rejected).sorted()
        try #require(files.count == 2)
        #expect(files[1] == files[0] + ".reason")
        #expect(run.error.contains(rejected + "/" + files[0]))
        #expect(try Scratch.mode(of: rejected + "/" + files[0]) == 0o600)
        let file = try Answer(String(contentsOfFile: rejected + "/" + files[0], encoding: .utf8))
        let body = try #require(Data(base64Encoded: file["body"].text))
        let sent = try await service.run(
            ["send", "claude-code", "--body", "-"], environment: secret,
            input: String(decoding: body, as: UTF8.self))
        #expect(sent.status == 0, "\(sent.error)")
        #expect(try await Hook.events(1, of: service).map { $0["payload"]["session_id"].text } == ["kept"])
        await service.stop()
    }

    @Test(arguments: [["--no-such-flag"], ["--source", "not a name"], ["--exit-status", "x"]])
    func `a mistake in its arguments does not exit 2, which would make Claude Code go on`(
        _ arguments: [String]
    ) async throws {
        let run = try await Hook("x").fire(arguments, in: Scratch())
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(!run.error.isEmpty)
    }

    @Test func `the secret is found where the user's service has it`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch, environment: secret)
        let missing = try await Hook("s1").fire(in: scratch)
        #expect(missing.status == 1)
        #expect(missing.error.contains("needs the secret of the service"))
        let directory = scratch.path + "/.config/orgloop-queue"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try scratch.write("CLAUDE_CODE_WEBHOOK_SECRET=s3cret\n", to: ".config/orgloop-queue/environment")
        #expect(try await Hook("s2").fire(in: scratch).status == 0)
        #expect(try await Hook.events(1, of: service).map { $0["payload"]["session_id"].text } == ["s2"])
        await service.stop()
    }

    @Test func `without a home the event is called lost`() async throws {
        let scratch = try Scratch()
        let run = try await Hook("s1").fire(in: scratch, environment: ["HOME": "", "XDG_STATE_HOME": ""])
        #expect(run.status == 1)
        #expect(run.error.contains("the event is lost"))
    }

    @Test func `what is no hook's JSON is said so and not kept`() async throws {
        let scratch = try Scratch()
        let run = try await Binary.run(["hook", "claude-code"], in: scratch, input: "not JSON")
        #expect(run.status == 1)
        #expect(run.error.contains("standard input is not a hook's JSON"))
        #expect(!run.error.contains("not JSON\""))
        #expect(!FileManager.default.fileExists(atPath: scratch.state + "/spool"))
    }

    @Test func `a service that accepts and does not answer costs less than a hook's time, and no event`()
        async throws
    {
        let service = try await ServiceProcess.start(in: Scratch())
        service.child.send(signal: SIGSTOP)
        let began = ContinuousClock.now
        let run = try await Hook("late").fire(in: service.scratch)
        #expect(run.status == 0)
        #expect(run.error.contains("the service does not answer"))
        // Far more than it takes, far less than a client that waits for its peer.
        #expect(ContinuousClock.now - began < .seconds(5))
        service.child.send(signal: SIGCONT)
        // It may have both the request and the file: the key makes them one event.
        #expect(try await Hook.events(1, of: service).map { $0["payload"]["session_id"].text } == ["late"])
        #expect(try await Hook("next").fire(in: service.scratch).status == 0)
        let engine = Engine(service: service, consumer: "second")
        #expect(try await engine.poll(nil).ids.count == 2)
        await service.stop()
    }

    @Test func `Claude Code's own http hook is accepted with the secret as its bearer, and answered with nothing`()
        async throws
    {
        let service = try await ServiceProcess.start(in: Scratch(), environment: secret)
        let client = try QueueClient(url: service.url)
        func post(_ authorization: String?) async throws -> QueueClient.Reply {
            try await client.send(
                "POST", "/webhook/claude-code",
                headers: [("Content-Type", "application/json")] + (authorization.map { [("Authorization", $0)] } ?? []),
                body: Array(Hook("http").json.utf8))
        }
        let accepted = try await post("Bearer s3cret")
        #expect(accepted.status == 200)
        #expect(accepted.body.isEmpty)
        #expect(try await post("Bearer other").text == #"{"error":"Invalid signature"}"#)
        #expect(try await post(nil).text == #"{"error":"Missing signature"}"#)
        #expect(try await Hook.events(1, of: service).map { $0["payload"]["session_id"].text } == ["http"])
        let database = try Data(contentsOf: URL(filePath: service.scratch.database + "-wal"))
        #expect(database.firstRange(of: Data("s3cret".utf8)) == nil)
        await service.stop()
    }
}

/// A firing of a Claude Code hook.
struct Hook {
    let session: String
    var name = "SessionEnd"

    init(_ session: String) { self.session = session }

    var json: String {
        """
        {"session_id":"\(session)","transcript_path":"/t.jsonl","cwd":"/home/user/my-project",\
        "hook_event_name":"\(name)","reason":"other"}
        """
    }

    func fire(
        _ arguments: [String] = [], in scratch: Scratch, environment: [String: String] = [:]
    ) async throws -> Binary.Result {
        // Nobody listens on this port; on the usual one the service of whoever runs the tests may.
        let quiet = try scratch.write("listen: 127.0.0.1:9", to: "quiet-" + UUID().uuidString + ".yaml")
        // Each has a standard input of its own, and many fire at once.
        let input = try scratch.write(json, to: "hook-" + UUID().uuidString)
        let command = #"exec "$0" hook claude-code "$@" < "$HOOK""#
        let run = try ChildProcess(
            "/bin/sh", ["-c", command, Binary.path()] + arguments, in: scratch,
            environment: ["ORGLOOP_QUEUE_CONFIG": quiet].merging(environment) { $1 }.merging(["HOOK": input]) { $1 })
        let output = await run.readToEnd()
        return Binary.Result(status: await run.waitForExit(), output: output, error: run.standardError)
    }

    /// The first `count` events of the source, waited for as a consumer waits.
    static func events(_ count: Int, of service: ServiceProcess) async throws -> [Answer] {
        var events: [Answer] = []
        var checkpoint = "null"
        let client = try service.client()
        while events.count < count {
            let body = #"{"checkpoint":\#(checkpoint),"wait_ms":20000}"#
            let reply = try await client.send(
                "POST", "/v1/consumers/test/sources/claude-code/poll", body: Array(body.utf8), timeout: .seconds(30))
            let answer = try Answer(reply.text)
            guard reply.status == 200, !answer["events"].list.isEmpty else {
                throw Engine.Refused(description: "after \(events.count) events: \(reply.status) \(reply.text)")
            }
            events += answer["events"].list
            checkpoint = "\"\(answer["checkpoint"].text)\""
        }
        return events
    }
}
