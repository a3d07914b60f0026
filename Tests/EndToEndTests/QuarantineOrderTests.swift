import EventQueueHTTP
import Foundation
import Testing

/// What an operator orders about several requests in quarantine, and what stays on record of it.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct QuarantineOrderTests {
    /// A configuration of the source `ci`.
    private static func config(_ connector: String, in scratch: Scratch) throws -> [String] {
        let yaml =
            "sources: [{ id: ci, connector: '\(connector)' }, { id: gh, connector: '@orgloop/connector-webhook' }]"
        return ["--config", try scratch.write(yaml, to: "q.yaml")]
    }

    /// A running service that has refused `count` requests of `ci`, which are no sessions.
    private static func refusing(_ count: Int, in scratch: Scratch) async throws -> ServiceProcess {
        let service = try await ServiceProcess.start(
            in: scratch, try config("@orgloop/connector-claude-code", in: scratch))
        let client = try QueueClient(url: service.url)
        for number in 1...count {
            let body = Array(#"{"ref":"main","n":\#(number)}"#.utf8)
            #expect(try await client.send("POST", "/webhook/ci", body: body).status == 400)
        }
        return service
    }

    @Test func `a source that nobody knows is refused with the names there are, and nothing is touched`() async throws {
        let service = try await Self.refusing(1, in: Scratch())
        for verb in [["list"], ["retry", "--all"], ["discard", "--all", "--reason", "r"]] {
            let run = try await service.run(["quarantine"] + verb + ["--source", "cl"])
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.error.contains("no source cl (unknown_source)"), "\(run.error)")
            #expect(run.error.contains("ci, gh"), "\(run.error)")
        }
        let none = try await service.run(["quarantine", "list", "--source", "gh"])
        #expect(none.status == 0)
        #expect(none.error == "nothing of gh is in quarantine\n")
        #expect(try await service.run(["quarantine", "list"]).lines.count == 2)
        await service.stop()
    }

    @Test func `the command for the next page lists the next page of the same source and service`() async throws {
        let scratch = try Scratch()
        let service = try await Self.refusing(4, in: scratch)
        let first = try await service.run(["quarantine", "list", "--source", "ci", "--limit", "2"])
        #expect(first.lines.count == 3)
        let hint = try #require(first.error.split(separator: "\n").last { $0.hasPrefix("there is more: ") })
        let second = try await Binary.shell(String(hint.dropFirst("there is more: ".count)), in: scratch)
        #expect(second.status == 0, "\(second.error)")
        #expect(second.lines.dropFirst().map { $0.split(separator: " ").first } == ["3", "4"])
        // The last page is full, and nothing follows.
        #expect(second.error.isEmpty)
        await service.stop()
    }

    @Test func `what can be discarded is, and the numbers that are not there are named`() async throws {
        let service = try await Self.refusing(4, in: Scratch())
        let run = try await service.run(["quarantine", "discard", "1", "99", "2", "2", "98", "--reason", "a test"])
        #expect(run.status == 1)
        #expect(run.output == "discarded 2 requests\n")
        #expect(run.error.contains("2 of 4 are not in quarantine: 99, 98"), "\(run.error)")
        let json = try await service.run(["quarantine", "discard", "3", "97", "--reason", "a test", "--json"])
        #expect(json.status == 1)
        #expect(json.output == #"{"discarded":1,"unknown":[97]}"# + "\n")
        #expect(try await service.run(["quarantine", "discard", "4", "--reason", "a test"]).status == 0)
        await service.stop()
    }

    @Test func `an order that the service refuses altogether stops at once and tells how far it came`() async throws {
        let scratch = try Scratch()
        let service = try await Self.refusing(2, in: scratch)
        let token = ["--token-file", try scratch.write("another-token", to: "token")]
        for verb in [["retry"], ["discard", "--reason", "r"]] {
            let run = try await service.run(["quarantine"] + verb + ["1", "2"] + token)
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.error.contains("at request 1; before it 0 of 2 requests were done"), "\(run.error)")
        }
        #expect(try await service.run(["quarantine", "list"]).lines.count == 3)
        await service.stop()
    }

    @Test func `what can be retried is, whatever stands before it`() async throws {
        let scratch = try Scratch()
        await (try Self.refusing(2, in: scratch)).stop()
        let flags = try Self.config("@orgloop/connector-webhook", in: scratch)
        let service = try await ServiceProcess.start(in: scratch, flags)
        let run = try await service.run(["quarantine", "retry", "99", "1", "2"])
        #expect(run.status == 1)
        #expect(run.lines.count == 2)
        #expect(run.error.contains("1 of 3 is not in quarantine: 99"), "\(run.error)")
        // Whoever comes second learns what became of it.
        let again = try await service.run(["quarantine", "retry", "1"])
        #expect(again.status == 1)
        let id = try #require(run.lines.first?.split(separator: " ").last)
        #expect(again.error.contains("it became \(id)"), "\(again.error)")
        await service.stop()
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "needs the sqlite3 shell"), arguments: [true, false])
    func `who retried or discarded what, when and why is on record, whether the service runs or not`(
        isRunning: Bool
    ) async throws {
        let scratch = try Scratch()
        let first = try await Self.refusing(2, in: scratch)
        let early = try await first.run(["quarantine", "retry", "1", "--reason", "try it", "--actor", "ada"])
        #expect(early.status == 1)
        let shown = try await first.run(["quarantine", "show", "1"])
        #expect(shown.output.contains("by ada: missing_field (try it)"), "\(shown.output)")
        await first.stop()
        let flags = try Self.config("@orgloop/connector-webhook", in: scratch)
        let service = isRunning ? try await ServiceProcess.start(in: scratch, flags) : nil
        let retry = ["quarantine", "retry", "1", "--reason", "mended", "--actor", "ada"]
        #expect(try await Binary.run(retry + flags, in: scratch).status == 0)
        #expect(try await Binary.run(retry + ["--reason", " "] + flags, in: scratch).status == 2)
        let discard = ["quarantine", "discard", "2", "--reason", "a test", "--actor", "bob"]
        #expect(try await Binary.run(discard + flags, in: scratch).status == 0)
        let events = try await Binary.run(["events", "--json"] + flags, in: scratch)
        let event = try Answer(events.output)["events"].list.first?["id"].text ?? ""
        let rows = try await SQLiteShell.rows(
            "SELECT quarantine_id, source, action, actor, reason, rejection, coalesce(event_id, '-') "
                + "FROM quarantine_orders", of: scratch.database, in: scratch)
        #expect(
            rows == [
                "1\tci\trefused\tada\ttry it\tmissing_field\t-", "1\tci\tretried\tada\tmended\tmissing_field\t\(event)",
                "2\tci\tdiscarded\tbob\ta test\tmissing_field\t-",
            ])
        await service?.stop()
    }

    @Test func `status names the command that shows what is in quarantine`() async throws {
        let scratch = try Scratch()
        let service = try await Self.refusing(3, in: scratch)
        let status = try await service.run(["status"])
        let line = try #require(status.lines.first { $0.contains("3 requests in quarantine") })
        let command = try #require(line.range(of: "orgloop-queue quarantine list"))
        let list = try await Binary.shell(String(line[command.lowerBound...]), in: scratch)
        #expect(list.status == 0, "\(list.error)")
        #expect(list.lines.count == 4)
        await service.stop()
    }

    @Test func `with debugging on, the log names the headers of what could not be verified, a few times a minute`()
        async throws
    {
        let scratch = try Scratch()
        let secret = ["CLAUDE_CODE_WEBHOOK_SECRET": "s3cret"]
        let service = try await ServiceProcess.start(in: scratch, ["--log-level", "debug"], environment: secret)
        let client = try QueueClient(url: service.url)
        for _ in 1...20 {
            let headers = [(name: "X-Api-Key", value: "hunter2"), (name: "User-Agent", value: "curl/8")]
            let reply = try await client.send(
                "POST", "/webhook/claude-code", headers: headers, body: Array("{}".utf8))
            #expect(reply.status == 401)
        }
        await service.stop()
        let lines = service.standardError.split(separator: "\n").filter { $0.contains("could not be verified") }
        // A minute may have ended in between.
        #expect((5...10).contains(lines.count))
        #expect(lines.allSatisfy { $0.contains("x-api-key") && $0.contains("Missing signature") })
        #expect(lines.allSatisfy { $0.contains("curl/8") })
        #expect(!service.standardError.contains("hunter2"))
    }
}
