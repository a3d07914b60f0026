import Foundation
import Testing

/// From a sender through the service to a reader, with the real binary at every place.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct RoundTripTests {
    @Test func `what was sent is polled once, in order`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let sent = try await service.run(["send", "claude-code", "--count", "7"])
        #expect(sent.status == 0)
        let ids = try sent.lines.map { try Self.answer($0).event_id }
        #expect(ids.count == 7)
        let polled = try await service.run(["poll", "claude-code", "--consumer", "me", "--limit", "3"])
        #expect(polled.status == 0)
        #expect(try polled.lines.map { try Self.event($0).id } == ids)
        let again = try await service.run(["poll", "claude-code", "--consumer", "me"])
        #expect(again.status == 0)
        #expect(again.output.isEmpty)
        await service.stop()
    }

    @Test func `a signed event is accepted, and one signed with another secret is not`() async throws {
        let secret = ["CLAUDE_CODE_WEBHOOK_SECRET": "s3cret"]
        let service = try await ServiceProcess.start(in: Scratch(), environment: secret)
        #expect(try await service.run(["send", "claude-code"], environment: secret).status == 0)
        let wrong = ["CLAUDE_CODE_WEBHOOK_SECRET": "other"]
        let refused = try await service.run(["send", "claude-code"], environment: wrong)
        #expect(refused.status == 1)
        #expect(refused.error.contains("Invalid signature"))
        #expect(try await service.run(["poll", "claude-code", "--json"]).output.contains("\"events\":1,"))
        await service.stop()
    }

    @Test func `one idempotency key stores one event`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let body = #"{"session_id":"s","working_directory":"/w","duration_seconds":1,"exit_status":0}"#
        let arguments = ["send", "claude-code", "--body", "-", "--idempotency-key", "k"]
        let first = try await service.run(arguments, input: body)
        let second = try await service.run(arguments, input: body)
        #expect(try Self.answer(first.output).event_id == Self.answer(second.output).event_id)
        #expect(try Self.answer(second.output).duplicate == true)
        #expect(try await service.run(["poll", "claude-code"]).lines.count == 1)
        await service.stop()
    }

    @Test func `a payload on several lines is polled as one line with its numbers as they were`() async throws {
        let scratch = try Scratch()
        try scratch.write(
            "sources: [{ id: hook, connector: '@orgloop/connector-webhook' }]", to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        let body = "{\n  \"type\": \"x\",\n  \"z\": 1.10e2, \"text\": \"a  b\\\\\\\"\"\n}"
        #expect(try await service.run(["send", "hook", "--body", "-"], input: body).status == 0)
        let polled = try await service.run(["poll", "hook", "--config", "q.yaml"])
        #expect(polled.lines.count == 1)
        #expect(polled.output.contains(#"{"type":"x","z":1.10e2,"text":"a  b\\\""}"#))
        await service.stop()
    }

    @Test func `a poll whose reader is gone prints its batch again`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let sent = try await service.run(["send", "claude-code", "--count", "2"])
        #expect(sent.status == 0)
        // Nobody reads: the lines cannot be written, so the checkpoint must not be stored.
        let lost = try ChildProcess(
            "/bin/sh",
            [
                "-c", "exec \"$0\" \"$@\" >/dev/full", Binary.path(), "poll", "claude-code", "--url",
                service.url,
            ],
            in: service.scratch)
        #expect(await lost.waitForExit() == 1)
        let polled = try await service.run(["poll", "claude-code"])
        #expect(polled.lines.count == 2)
        await service.stop()
    }

    @Test func `a poll that is killed after its lines does not print them twice`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let poll = try ChildProcess(
            Binary.path(), ["poll", "claude-code", "--follow", "--url", service.url], in: service.scratch)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        let first = try #require(await poll.readLine())
        // The second line comes from the next poll, which presents the first one's stored checkpoint.
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        let second = try #require(await poll.readLine())
        poll.send(signal: SIGKILL)
        _ = await poll.waitForExit()
        let rest = try await service.run(["poll", "claude-code"])
        // Killed behind the second line, it had stored that batch's checkpoint or not: both are right.
        #expect(!rest.lines.contains(first))
        #expect(rest.lines.isEmpty || rest.lines == [second])
        await service.stop()
    }

    @Test func `status shows what waits and who read, aligned and without colour`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code", "--count", "3"]).status == 0)
        #expect(try await service.run(["poll", "claude-code", "--consumer", "me"]).status == 0)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        let status = try await service.run(["status"])
        #expect(status.status == 0)
        let head = try #require(status.lines.first).split(separator: " ").map(String.init)
        let row = try #require(status.lines.dropFirst().first).split(separator: " ").map(String.init)
        #expect(head.prefix(3) == ["SOURCE", "CONSUMER", "PENDING"])
        #expect(row.prefix(3) == ["claude-code", "me", "1"])
        #expect(!status.output.contains("\u{1B}"))
        let json = try await service.run(["status", "--json"])
        #expect(
            (try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])?["sources"]
                != nil)
        await service.stop()
    }

    @Test func `a checkpoint of another database is refused with the command that resolves it`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let other = try await ServiceProcess.start(in: Scratch())
        for one in [service, other] { #expect(try await one.run(["send", "claude-code"]).status == 0) }
        let summary = try await other.run(["poll", "claude-code", "--json"]).output
        let foreign = try JSONDecoder().decode(Summary.self, from: Data(summary.utf8)).checkpoint
        let refused = try await service.run(["poll", "claude-code", "--checkpoint", foreign])
        #expect(refused.status == 1)
        #expect(refused.error.contains("lineage_mismatch"))
        #expect(
            refused.error.contains("orgloop-queue resume claude-code --consumer orgloop --url \(service.url) --reason"))
        await service.stop()
        await other.stop()
    }

    @Test func `resume lets a refused consumer go on`() async throws {
        let scratch = try Scratch()
        try scratch.write("consumers: [{ id: orgloop, on_regressed: refuse }]", to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await service.run(["poll", "claude-code", "--state", "first"]).lines.count == 1)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        // Another state file: the reader lost its checkpoint.
        let refused = try await service.run(["poll", "claude-code", "--state", "second"])
        #expect(refused.status == 1)
        #expect(refused.error.contains("checkpoint_regressed"))
        #expect(refused.error.contains("nothing is stored in second"))
        let resumed = try await service.run([
            "resume", "claude-code", "--reason", "lost the file", "--actor", "test",
        ])
        #expect(resumed.status == 0)
        #expect(try await service.run(["poll", "claude-code", "--state", "second"]).lines.count == 1)
        await service.stop()
    }

    @Test func `a wrong token is refused with a word about where the right one is`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let refused = try await service.run(["status"], environment: ["ORGLOOP_QUEUE_TOKEN": "wrong"])
        #expect(refused.status == 1)
        #expect(refused.error.contains("--token-file"))
        await service.stop()
    }

    // MARK: Helpers

    private struct Answer: Decodable {
        let event_id: String
        let duplicate: Bool?
    }

    private struct Event: Decodable {
        let id: String
    }

    private struct Summary: Decodable {
        let checkpoint: String
    }

    private static func answer(_ text: String) throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
    }

    private static func event(_ text: String) throws -> Event {
        try JSONDecoder().decode(Event.self, from: Data(text.utf8))
    }
}
