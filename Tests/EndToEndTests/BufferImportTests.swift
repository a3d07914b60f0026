import EventQueue
import EventQueueHTTP
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// OrgLoop's own buffers: taken in once by the service that starts, and left as they were.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct BufferImportTests {
    @Test func `a project of the seed brings its buffer and its official hook with it`() async throws {
        let project = try BufferProject()
        try project.write([Self.line(1), Self.line(2)])
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        // What `orgloop hook claude-code-stop` sends, header for header.
        let body =
            #"{"session_id":"s-3","working_directory":"/w","duration_seconds":0,"exit_status":0,"summary":"","#
            + #""transcript_path":"/t.jsonl"}"#
        let reply = try await QueueClient(url: service.url, token: nil).send(
            "POST", "/webhook/claude-code", body: Array(body.utf8))
        #expect(reply.status == 200)
        let answer = try Answer(reply.text)
        #expect(answer["ok"].value as? Bool == true)
        let polled = try await project.poll()
        #expect(Array(polled.prefix(2)) == [Self.line(1), Self.line(2)])
        let event = try Answer(try #require(polled.last))
        #expect(event["id"].text == answer["event_id"].text)
        #expect(event["payload"]["session_id"].text == "s-3")
        #expect(polled.count == 3)
        await service.stop()
    }

    @Test func `both names of a buffer are imported once, older first, and stay as they were`() async throws {
        let project = try BufferProject()
        try project.write([Self.line(3), "", Self.line(4)], to: "coding-agent-claude-code.jsonl")
        try project.write([Self.line(1), Self.line(2)])
        try project.write([Self.line(5)], to: "claude-code-another.jsonl")
        let before = try project.files()
        let service = try await project.start()
        try await service.untilLogged("imported a buffer", times: 2)
        #expect(try await service.listed() == (1...4).map(Self.id))
        #expect(try await project.poll() == (1...4).map { Self.line($0) })
        await service.stop()
        #expect(try project.files() == before)
        let again = try await project.start()
        #expect(try await project.findings(of: again).map(\.level) == ["ok", "ok"])
        #expect(try await again.listed() == (1...4).map(Self.id))
        #expect(try await project.poll().isEmpty)
        #expect(!again.standardError.contains("importing a buffer"))
        #expect(await again.stop() == 0)
    }

    @Test func `what retention has deleted does not come again`() async throws {
        let project = try BufferProject()
        try project.write((1...3).map { Self.line($0) })
        let first = try await project.start()
        try await first.untilLogged("imported a buffer")
        #expect(try await project.poll().count == 3)
        #expect(try await first.run(["prune", "--keep", "1ms"]).output.contains("deleted 3 events"))
        await first.stop()
        let second = try await project.start()
        #expect(try await project.findings(of: second).first?.finding.contains(": 3 events") == true)
        #expect(try await second.listed().isEmpty)
        #expect(try await project.poll().isEmpty)
        #expect(!second.standardError.contains("importing a buffer"))
        await second.stop()
    }

    @Test func `killed in the middle, with what came pruned, it goes on and hands over all, none twice`()
        async throws
    {
        let project = try BufferProject()
        let lines = (1...40_000).map { Self.line($0) }
        try project.write(lines)
        let before = try project.files()
        let killed = try await project.start()
        let stored = try await project.untilSomeIsStored(by: killed)
        await killed.kill()
        #expect(stored < lines.count)
        // While the service is stopped, verbs serve themselves and import nothing.
        var polled = try await project.poll()
        #expect(polled == Array(lines.prefix(polled.count)))
        #expect(polled.count >= stored && polled.count < lines.count)
        let pruned = try await Binary.run(["prune", "--keep", "1ms"] + project.flags, in: project.scratch)
        #expect(pruned.output.contains("deleted \(polled.count) events"))
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        polled += try await project.poll()
        #expect(polled == lines)
        let progress = try #require(service.logged("imported a buffer").first)
        #expect(progress.contains(#""events":"40000""#))
        #expect(progress.contains(#""present":"0""#))
        #expect(try project.files() == before)
        await service.stop()
    }

    @Test func `a file that was changed while it was interrupted is read from its start`() async throws {
        let project = try BufferProject()
        try project.write((1...40_000).map { Self.line($0) })
        let killed = try await project.start()
        _ = try await project.untilSomeIsStored(by: killed)
        await killed.kill()
        try project.write([Self.line(30_001), Self.line(1), Self.line(30_002)])
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        #expect(service.logged("was changed while its import was interrupted").count == 1)
        let polled = try await project.poll()
        #expect(polled.suffix(2) == [Self.line(30_001), Self.line(30_002)])
        #expect(Set(polled).count == polled.count)
        await service.stop()
    }

    @Test func `lines that are no events are logged by their number, never quoted, and stop nothing`() async throws {
        let project = try BufferProject()
        try project.write([Self.line(1), "nonsense", Self.line(2), "[]", Self.line(1, summary: "other"), Self.line(3)])
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        let rejected = service.logged("was rejected")
        #expect(rejected.count == 3)
        for (line, (number, code)) in zip(rejected, [(2, "not_json"), (4, "not_an_event"), (5, "conflict")]) {
            #expect(line.contains(#""line":"\#(number)""#))
            #expect(line.contains(#""code":"\#(code)""#))
            #expect(line.contains("claude-code-claude-code.jsonl"))
        }
        #expect(!service.standardError.contains("nonsense"))
        #expect(service.logged("imported a buffer").first?.contains(#""rejected":"3""#) == true)
        #expect(try await project.poll() == (1...3).map { Self.line($0) })
        await service.stop()
    }

    @Test func `a log is not filled by a file that has no events at all`() async throws {
        let project = try BufferProject()
        try project.write(Array(repeating: "nonsense", count: 1200))
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        #expect(service.logged("was rejected").count == 100)
        #expect(service.logged("only counted").count == 1)
        #expect(service.logged("imported a buffer").first?.contains(#""rejected":"1200""#) == true)
        await service.stop()
    }

    @Test func `a line that is too long is passed over, and what stands behind it comes in`() async throws {
        let project = try BufferProject()
        let long = Self.line(2, summary: String(repeating: "x", count: Limits.importBytesMax))
        try project.write([Self.line(1), long, Self.line(3)])
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        let rejected = service.logged("was rejected")
        #expect(rejected.count == 1)
        #expect(rejected.first?.contains(#""code":"too_long""#) == true)
        #expect(rejected.first?.contains(#""line":"2""#) == true)
        #expect(try await service.listed() == [Self.id(1), Self.id(3)])
        await service.stop()
    }

    @Test func `a queue without room puts a buffer off, serves on, and takes it in when there is room`() async throws {
        let project = try BufferProject()
        try project.write((1...3).map { Self.line($0) })
        func start(eventsMax: Int) async throws -> ServiceProcess {
            try project.scratch.write(
                """
                sources:
                  - id: claude-code
                    connector: "@orgloop/connector-claude-code"
                    config: { buffer_dir: buffer }
                limits: { queue_events_max: \(eventsMax) }
                """, to: "q.yaml")
            return try await ServiceProcess.start(in: project.scratch, ["--config", "q.yaml"])
        }
        let full = try await start(eventsMax: 2)
        try await full.untilLogged("the import of a buffer of OrgLoop is put off")
        #expect(try await full.run(["send", "claude-code"]).status == 0)
        #expect(await full.stop() == 0)
        let service = try await start(eventsMax: 10)
        try await service.untilLogged("imported a buffer")
        #expect(try await service.listed().suffix(3) == (1...3).map(Self.id))
        await service.stop()
    }

    @Test func `an event of another source keeps its source, as with the import verb`() async throws {
        let project = try BufferProject()
        try project.write([Self.line(1, source: "elsewhere")])
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        #expect(try await service.run(["poll", "elsewhere"]).lines == [Self.line(1, source: "elsewhere")])
        await service.stop()
    }

    @Test func `lines that come later are not imported, and doctor says so`() async throws {
        let project = try BufferProject()
        try project.write([Self.line(1)])
        let first = try await project.start()
        try await first.untilLogged("imported a buffer")
        await first.stop()
        try project.write([Self.line(1), Self.line(2)])
        let second = try await project.start()
        let finding = try #require(try await project.findings(of: second).first)
        #expect(finding.level == "warn")
        #expect(finding.finding.contains("it has changed since, which is not imported"))
        #expect(finding.mend?.contains("orgloop-queue import ") == true)
        #expect(try await second.listed() == [Self.id(1)])
        // The mend does what it says.
        let path = project.buffer + "/claude-code-claude-code.jsonl"
        #expect(try await second.run(["import", path]).lines == ["1 event imported, 1 already there"])
        await second.stop()
    }

    @Test func `an empty buffer is not taken for imported, and a missing one is nothing`() async throws {
        let project = try BufferProject()
        let first = try await project.start()
        #expect(try await project.findings(of: first).map(\.level) == ["ok"])
        await first.stop()
        try project.write([])
        let second = try await project.start()
        #expect(try await project.findings(of: second).map(\.finding).first?.hasSuffix("is empty") == true)
        await second.stop()
        try project.write([Self.line(1)])
        let before = try await project.findings(of: nil)
        #expect(before.map(\.level) == ["warn"])
        #expect(before.first?.finding.hasSuffix("is not imported yet") == true)
        let third = try await project.start()
        try await third.untilLogged("imported a buffer")
        #expect(try await third.listed() == [Self.id(1)])
        #expect(third.logged("buffer").allSatisfy { !$0.contains(#""level":"warning""#) })
        await third.stop()
    }

    @Test func `a buffer that cannot be read is a warning, and the service serves`() async throws {
        let project = try BufferProject()
        try FileManager.default.createDirectory(
            atPath: project.buffer + "/claude-code-claude-code.jsonl", withIntermediateDirectories: true)
        try project.write([Self.line(1)], to: "coding-agent-claude-code.jsonl")
        let service = try await project.start()
        try await service.untilLogged("imported a buffer")
        #expect(service.logged("has to wait for the next start").count == 1)
        let findings = try await project.findings(of: service)
        #expect(findings.map(\.level) == ["warn", "ok"])
        #expect(findings.first?.finding.contains("cannot read") == true)
        #expect(try await service.listed() == [Self.id(1)])
        #expect(await service.stop() == 0)
    }

    @Test func `readers and senders are served while a big buffer comes in`() async throws {
        let project = try BufferProject()
        try project.write((1...60_000).map { Self.line($0) })
        let service = try await project.start()
        #expect(service.logged("imported a buffer").isEmpty)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(service.logged("imported a buffer").isEmpty)
        // Stopped in the middle, it ends in good order.
        #expect(await service.stop() == 0)
        #expect(service.logged("imported a buffer").isEmpty)
    }

    // MARK: Lines

    static func id(_ number: Int) -> String { "evt_b\(number)" }

    static func line(_ number: Int, source: String = "claude-code", summary: String = "done") -> String {
        #"{"id":"\#(id(number))","timestamp":"2025-01-15T10:30:00.000Z","source":"\#(source)","#
            + #""type":"actor.stopped","provenance":{"platform":"claude-code","platform_event":"session.exited"},"#
            + #""payload":{"session_id":"s-\#(number)","exit_status":0,"summary":"\#(summary)"}}"#
    }
}
