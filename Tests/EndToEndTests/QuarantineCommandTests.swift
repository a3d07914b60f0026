import EventQueueHTTP
import Foundation
import Testing

/// Requests that could not become events, from the answer that refused them to the event that they are.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct QuarantineCommandTests {
    private static func config(_ connector: String, in scratch: Scratch) throws -> [String] {
        let yaml = "sources: [{ id: gh, connector: '\(connector)', config: { secret: s3cret } }]"
        return ["--config", try scratch.write(yaml, to: "q.yaml")]
    }

    /// A queue with two requests that are no sessions, because its source was configured for those.
    private static func mistaken(in scratch: Scratch) async throws -> ServiceProcess {
        let flags = try config("@orgloop/connector-claude-code", in: scratch)
        let service = try await ServiceProcess.start(in: scratch, flags)
        for number in 1...2 {
            let body = try scratch.write(#"{"ref":"main","n":\#(number)}"#, to: "push-\(number)")
            let key = ["--idempotency-key", "delivery-\(number)"]
            let run = try await service.run(
                ["send", "gh", "--body", body, "--header", "X-GitHub-Event: push"] + key + flags)
            #expect(run.status == 1)
            #expect(run.error.contains("400"))
        }
        return service
    }

    @Test(arguments: [true, false])
    func `what was refused for a wrong configuration becomes events when that is mended`(isRunning: Bool)
        async throws
    {
        let scratch = try Scratch()
        let mistaken = try await Self.mistaken(in: scratch)
        let early = try await mistaken.run(["quarantine", "retry", "--all"])
        #expect(early.status == 1)
        #expect(early.error.contains("missing_field"))
        #expect(early.error.contains("2 of 2 requests stay in quarantine"))
        await mistaken.stop()
        let flags = try Self.config("@orgloop/connector-webhook", in: scratch)
        let service = isRunning ? try await ServiceProcess.start(in: scratch, flags) : nil
        let retried = try await Binary.run(["quarantine", "retry", "1", "2"] + flags, in: scratch)
        #expect(retried.status == 0, "\(retried.error)")
        #expect(retried.lines.count == 2)
        let events = try await Binary.run(["events", "--json"] + flags, in: scratch)
        let listed = try Answer(events.output)["events"].list
        #expect(listed.map { $0["idempotency_key"].text } == ["delivery-1", "delivery-2"])
        #expect(listed.map { $0["verification"].text } == ["hub", "hub"])
        #expect(
            try await Binary.run(["quarantine", "list"] + flags, in: scratch).error == "nothing is in quarantine\n")
        let again = try await Binary.run(["quarantine", "retry", "1"] + flags, in: scratch)
        #expect(again.status == 1)
        #expect(again.error.contains("unknown_quarantine"))
        #expect(try await Binary.run(["verify"] + flags, in: scratch).status == 0)
        await service?.stop()
    }

    @Test func `what is kept is listed, shown byte for byte, and discarded with a reason`() async throws {
        let service = try await Self.mistaken(in: Scratch())
        let list = try await service.run(["quarantine", "list"])
        #expect(list.lines.count == 3)
        #expect(list.output.contains("missing_field"))
        let json = try Answer(try await service.run(["quarantine", "list", "--json", "--limit", "1"]).output)
        #expect(json["quarantine"].list.map { $0["id"].number } == [1])
        #expect(json["next"].number == 1)
        let shown = try await service.run(["quarantine", "show", "2"])
        #expect(shown.output.hasSuffix("\n\n{\"ref\":\"main\",\"n\":2}\n"))
        #expect(shown.output.contains("x-github-event"))
        let one = try Answer(try await service.run(["quarantine", "show", "2", "--json"]).output)
        #expect(one["body"].text == #"{"ref":"main","n":2}"#)
        #expect(try await service.run(["quarantine", "discard", "2"]).status == 2)
        let discarded = try await service.run(["quarantine", "discard", "2", "--reason", "a test", "--actor", "ada"])
        #expect(discarded.output == "discarded 1 request\n")
        #expect(service.standardError.contains("a test"))
        #expect(try await service.run(["quarantine", "show", "2"]).status == 1)
        #expect(try await service.run(["quarantine", "retry"]).status == 2)
        await service.stop()
    }

    @Test func `a key that belongs to another event keeps a request in quarantine until it is stored without`()
        async throws
    {
        let service = try await ServiceProcess.start(in: Scratch())
        let client = try QueueClient(url: service.url)
        func post(_ session: String) async throws -> Int {
            let body = #"{"session_id":"\#(session)","cwd":"/w","duration_seconds":1,"exit_status":0}"#
            return try await client.send(
                "POST", "/webhook/claude-code", headers: [("Idempotency-Key", "k")], body: Array(body.utf8)
            ).status
        }
        #expect(try await post("one") == 200)
        #expect(try await post("two") == 422)
        let kept = try await service.run(["quarantine", "retry", "1"])
        #expect(kept.status == 1)
        #expect(kept.error.contains("idempotency_conflict"))
        #expect(try await service.run(["quarantine", "retry", "1", "--new-key"]).status == 0)
        let events = try Answer(try await service.run(["events", "--json"]).output)["events"].list
        #expect(events.map { $0["idempotency_key"].isNull } == [false, true])
        await service.stop()
    }

    @Test func `a kill in the middle of many retries leaves each request kept or stored, and none both`()
        async throws
    {
        let scratch = try Scratch()
        let flags = try Self.config("@orgloop/connector-claude-code", in: scratch)
        let first = try await ServiceProcess.start(in: scratch, flags)
        let body = try scratch.write(#"{"ref":"main"}"#, to: "push")
        for _ in 1...40 {
            #expect(try await first.run(["send", "gh", "--body", body] + flags).status == 1)
        }
        await first.stop()
        let mended = try Self.config("@orgloop/connector-webhook", in: scratch)
        let second = try await ServiceProcess.start(in: scratch, mended)
        let retry = try ChildProcess(
            Binary.path(), ["quarantine", "retry", "--all", "--url", second.url], in: scratch)
        // Some are done, and some are not.
        for _ in 1...5 { _ = await retry.readLine() }
        await second.kill()
        #expect(await retry.waitForExit() == 1)
        let third = try await ServiceProcess.start(in: scratch, mended)
        let stored = try await third.listed()
        let kept = try Answer(try await third.run(["quarantine", "list", "--json"]).output)["quarantine"].list.count
        #expect(stored.count >= 5)
        #expect(stored.count + kept == 40)
        #expect(try await third.run(["quarantine", "retry", "--all"]).status == 0)
        #expect(try await third.listed().count == 40)
        await third.stop()
    }
}
