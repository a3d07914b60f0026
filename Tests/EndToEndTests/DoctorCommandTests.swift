import EventQueue
import EventQueueHTTP
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// `doctor` through the real binary: the main troubles and what it says of them.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct DoctorCommandTests {
    @Test func `a running service with its token, a secret and a reader has nothing to mend but the hook`()
        async throws
    {
        let secret = ["CLAUDE_CODE_WEBHOOK_SECRET": "hush"]
        let service = try await ServiceProcess.start(in: Scratch(), environment: secret)
        #expect(try await service.run(["poll", "claude-code"]).status == 0)
        let report = try await Self.doctor(service.scratch, ["--url", service.url], environment: secret)
        #expect(report.status == 0)
        #expect(report.findings.filter { $0.level != "ok" }.map(\.check) == ["hook"])
        #expect(report["service"]?.finding == "ready at \(service.url)")
        #expect(report["token"]?.level == "ok")
        #expect(report["lock"]?.finding == "held by pid \(service.processID)")
        #expect(report["secret"]?.finding.contains("hush") == false)
        let table = try await service.run(["doctor"], environment: secret)
        #expect(table.status == 0)
        #expect(table.lines.first?.split(separator: " ") == ["RESULT", "CHECK", "FINDING"])
        #expect(!table.output.contains("\u{1B}"))
        await service.stop()
    }

    @Test func `a stopped service is a warning, and the port it would take is tried`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        await service.stop()
        let before = try scratch.read("state/orgloop-queue/queue.db")
        try scratch.write("listen: 127.0.0.1:\(service.port)", to: "q.yaml")
        let report = try await Self.doctor(scratch, ["--config", "q.yaml"])
        #expect(report.status == 0)
        #expect(report["service"]?.level == "warn")
        #expect(report["service"]?.mend?.contains("orgloop-queue serve") == true)
        #expect(report["port"]?.level == "ok")
        #expect(report["lock"]?.finding == "nobody has it")
        #expect(report["schema"]?.level == "ok")
        #expect(try scratch.read("state/orgloop-queue/queue.db") == before)
    }

    @Test func `a service that holds the lock and does not answer where it should is a failure`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let report = try await Self.doctor(service.scratch, ["--url", "http://127.0.0.1:1"])
        #expect(report.status == 1)
        #expect(report["service"]?.level == "fail")
        #expect(report["service"]?.finding.contains("pid \(service.processID)") == true)
        await service.stop()
    }

    @Test func `a token that the service does not take is a failure`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let report = try await Self.doctor(
            service.scratch, ["--url", service.url], environment: ["ORGLOOP_QUEUE_TOKEN": "another"])
        #expect(report.status == 1)
        #expect(report["token"]?.level == "fail")
        #expect(report["token"]?.mend?.contains("--token-file") == true)
        await service.stop()
    }

    @Test func `a token that others can read is a failure with the command that mends it`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let token = service.scratch.state + "/token"
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: token)
        let report = try await Self.doctor(service.scratch, ["--url", service.url])
        #expect(report.status == 1)
        #expect(report["token file"]?.level == "fail")
        #expect(report["token file"]?.mend == "chmod 600 \(token)")
        await service.stop()
    }

    @Test func `a damaged file is a failure with the way to save it, and stays as it is`() async throws {
        let scratch = try Scratch()
        let service = try await ServiceProcess.start(in: scratch)
        await service.stop()
        var bytes = try scratch.read("state/orgloop-queue/queue.db")
        bytes.replaceSubrange(8192..<12288, with: [UInt8](repeating: 0xA5, count: 4096))
        try bytes.write(to: URL(filePath: scratch.database))
        let report = try await Self.doctor(scratch, [])
        #expect(report.status == 1)
        #expect(report["schema"]?.level == "fail")
        #expect(report["schema"]?.finding.contains("damaged") == true)
        #expect(report["schema"]?.mend?.contains(".dump") == true)
        #expect(try scratch.read("state/orgloop-queue/queue.db") == bytes)
    }

    @Test func `the commands that it prints are about the queue that it was asked about`() async throws {
        let scratch = try Scratch()
        // Nobody listens on this port; on the usual one the service of whoever runs the tests may.
        let quiet = try scratch.write("listen: 127.0.0.1:9", to: "quiet.yaml")
        let place = ["--database", "\(scratch.path)/my queue.db", "--token-file", "\(scratch.path)/t"]
        let flags = ["--config", quiet] + place
        let service = try await ServiceProcess.start(in: scratch, flags)
        for _ in 1...2 {
            #expect(try await Binary.run(["send", "claude-code"] + flags, in: scratch).status == 0)
        }
        let unread = try await Self.doctor(scratch, flags)
        let mend = try #require(unread["consumer"]?.mend)
        let poll = String(mend[try #require(mend.firstRange(of: "orgloop-queue poll")).lowerBound...])
        #expect(try await Binary.shell(poll, in: scratch).lines.count == 2)
        await service.stop()
        let stopped = try await Self.doctor(scratch, flags)
        let start = try #require(stopped["service"]?.mend)
        #expect(start.contains("serve --config \(quiet)"))
        #expect(start.contains("--database '\(scratch.path)/my queue.db' --token-file \(scratch.path)/t"))
    }

    @Test func `a service that hangs is told from one that is elsewhere`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        service.child.send(signal: SIGSTOP)
        let report = try await Self.doctor(service.scratch, [])
        service.child.send(signal: SIGCONT)
        #expect(report.status == 1)
        #expect(report["service"]?.finding.contains("pid \(service.processID) has the database") == true)
        #expect(report["service"]?.mend?.contains("kill \(service.processID)") == true)
        #expect(report["service"]?.mend?.contains("--url") == false)
        await service.stop()
    }

    @Test func `a database that is not there is a failure, and none is made`() async throws {
        let scratch = try Scratch()
        let nothing = try await Self.doctor(scratch, [])
        #expect(nothing.status == 1)
        #expect(nothing["state directory"]?.level == "fail")
        let elsewhere = try await Self.doctor(scratch, ["--database", "\(scratch.path)/no.db"])
        #expect(elsewhere.status == 1)
        #expect(elsewhere["database"]?.level == "fail")
        #expect(elsewhere["database"]?.mend?.contains("--database") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).allSatisfy { $0.hasPrefix("std") })
    }

    @Test func `a configuration that cannot be used is named and ends the rest`() async throws {
        let scratch = try Scratch()
        try scratch.write("listne: 1\nlimits: { wal: 1 }", to: "q.yaml")
        let report = try await Self.doctor(scratch, ["--config", "q.yaml"])
        #expect(report.status == 1)
        #expect(report.findings.map(\.check) == ["configuration", "hook"])
        #expect(report["configuration"]?.finding.contains("q.yaml:1:1: listne") == true)
        #expect(report["configuration"]?.finding.hasSuffix("(and 1 more)") == true)
    }

    @Test func `a port that something else has is a failure`() async throws {
        let other = try await ServiceProcess.start(in: Scratch())
        let scratch = try Scratch()
        try scratch.write("listen: 127.0.0.1:\(other.port)", to: "q.yaml")
        // Asked under another address, the service is not there, and its own port is taken.
        let report = try await Self.doctor(scratch, ["--config", "q.yaml", "--url", "http://127.0.0.1:1"])
        #expect(report.status == 1)
        #expect(report["port"]?.level == "fail")
        #expect(report["port"]?.finding.contains(":\(other.port)") == true)
        await other.stop()
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fdinfo"), "only Linux tells"))
    func `another program that has the file open for writing is found`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let arguments = ["--url", service.url]
        #expect(try await Self.doctor(service.scratch, arguments)["SQLite"]?.level == "ok")
        let handle = try #require(FileHandle(forUpdatingAtPath: service.scratch.database))
        let finding = try #require(try await Self.doctor(service.scratch, arguments)["SQLite"])
        #expect(finding.level == "warn")
        #expect(finding.finding.contains("(pid \(ProcessInfo.processInfo.processIdentifier))"))
        #expect(finding.mend?.contains("-readonly") == true)
        try handle.close()
        await service.stop()
    }

    @Test(arguments: ["orgloop-queue hook claude-code", "orgloop hook claude-code-stop --port 4810"])
    func `a hook in a settings file is found`(command: String) async throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/.claude", withIntermediateDirectories: true)
        let hook = #"{"hooks":{"Stop":[{"matcher":"","hooks":[{"type":"command","command":"\#(command)"}]}]}}"#
        try scratch.write(hook, to: ".claude/settings.json")
        #expect(try await Self.doctor(scratch, [])["hook"]?.level == "ok")
    }

    // MARK: Helpers

    private struct Report: Decodable {
        struct Entry: Decodable {
            let check: String
            let level: String
            let finding: String
            let mend: String?
        }

        let ok: Bool
        let findings: [Entry]
        var status: Int32 = 0

        enum CodingKeys: String, CodingKey { case ok, findings }

        subscript(_ check: String) -> Entry? { findings.first { $0.check == check } }
    }

    private static func doctor(
        _ scratch: Scratch, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Report {
        let run = try await Binary.run(["doctor", "--json"] + arguments, in: scratch, environment: environment)
        #expect(run.error.isEmpty)
        var report = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
        report.status = run.status
        #expect(report.ok == (run.status == 0))
        #expect(report.findings.allSatisfy { ($0.level == "ok") == ($0.mend == nil) })
        return report
    }
}
