import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// `verify`, `backup` and `export`, which read the database file beside the running service.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct FileCommandTests {
    private static let secret = ["CLAUDE_CODE_WEBHOOK_SECRET": "s3cret"]

    @Test func `verify finds a database sound while the service runs, with the signatures of its events`() async throws
    {
        let service = try await ServiceProcess.start(in: Scratch(), environment: Self.secret)
        #expect(try await service.run(["send", "claude-code", "--count", "5"], environment: Self.secret).status == 0)
        #expect(try await service.run(["poll", "claude-code"], environment: Self.secret).status == 0)
        let text = try await Self.run(["verify"], service.scratch)
        #expect(text.status == 0, "\(text)")
        // The checks, and the key of all five.
        #expect(text.lines.count == 12)
        #expect(text.output.contains("verified 5, unsigned 0"))
        let json = try await Self.run(["verify", "--json"], service.scratch)
        let report = try JSONDecoder().decode(Report.self, from: Data(json.output.utf8))
        #expect(report.ok)
        #expect(report.checks.map(\.name) == Self.names)
        #expect(report.checks.allSatisfy { $0.verdict == "ok" && $0.mend == nil })
        #expect(await service.stop() == 0)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `verify names what is wrong, says what to do and exits 1`() async throws {
        let scratch = try await Self.stopped(sending: 3)
        try await Self.write("UPDATE event SET envelope = ' ' || envelope WHERE seq = 2", scratch)
        let text = try await Self.run(["verify", scratch.database], scratch)
        #expect(text.status == 1)
        #expect(text.output.contains("(seq 2): the envelope does not have its SHA-256"))
        #expect(text.error.contains("is not sound: envelopes"))
        let json = try await Self.run(["verify", "--json"], scratch)
        #expect(json.status == 1)
        let report = try JSONDecoder().decode(Report.self, from: Data(json.output.utf8))
        #expect(!report.ok)
        #expect(report.checks.filter { $0.verdict == "failed" }.map(\.name) == ["envelopes"])
        #expect(report.checks.contains { $0.failures == 1 && $0.mend?.isEmpty == false })
    }

    @Test(arguments: [["verify"], ["backup", "b.db"], ["export"]])
    func `a file that is not there, or is none of ours, exits 1 and is named`(verb: [String]) async throws {
        let scratch = try Scratch()
        let missing = try await Self.run(verb, scratch)
        #expect(missing.status == 1)
        #expect(missing.error.contains("There is no database at \(scratch.database)"))
        try scratch.write(String(repeating: "no database\n", count: 20), to: "text")
        let foreign = try await Self.run(verb + ["--database", "text"], scratch)
        #expect(foreign.status == 1)
        #expect((foreign.output + foreign.error).contains("is not a SQLite database"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).contains("b.db") == false)
    }

    @Test(arguments: [
        ["verify", "a", "--database", "b"], ["backup"], ["backup", "a/"], ["export", "--json"],
        ["export", "--since", "yesterday"], ["export", "--source", "a b"], ["export", "--output", "a/"],
        ["export", "--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
    ])
    func `misuse exits 2`(_ arguments: [String]) async throws {
        let run = try await Self.run(arguments, Scratch())
        #expect(run.status == 2)
        #expect(run.error.contains("Error: "))
    }

    @Test func `a backup of a running service is restored by putting it in the database's place`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code", "--count", "4"]).status == 0)
        let before = try await service.run(["poll", "claude-code", "--consumer", "before"])
        let made = try await Self.run(["backup", "b.db", "--json"], service.scratch)
        #expect(made.status == 0, "\(made)")
        #expect(try JSONDecoder().decode(Receipt.self, from: Data(made.output.utf8)).events == 4)
        #expect(try Scratch.mode(of: service.scratch.path + "/b.db") == 0o600)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(await service.stop() == 0)

        try FileManager.default.removeItem(atPath: service.scratch.database)
        try FileManager.default.moveItem(atPath: service.scratch.path + "/b.db", toPath: service.scratch.database)
        let again = try await ServiceProcess.start(in: service.scratch)
        #expect(try await again.run(["poll", "claude-code"]).output == before.output)
        #expect(try await Self.run(["verify"], service.scratch).status == 0)
        #expect(await again.stop() == 0)
    }

    @Test func `a disk that is too small leaves no part of a backup and no half of an export`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code", "--count", "50"]).status == 0)
        for verb in [["backup", "b.db"], ["export", "--output", "e.jsonl"]] {
            let limited = try ChildProcess(
                "/bin/sh", ["-c", "ulimit -f 8; exec \"$0\" \"$@\"", Binary.path()] + verb, in: service.scratch)
            #expect(await limited.waitForExit() == 1)
            #expect(limited.standardError.contains("Make room there"), "\(limited.standardError)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: service.scratch.path)
        #expect(!names.contains { $0.hasPrefix("b.db") })
        #expect(!names.contains("e.jsonl"))
        // What an export has written is of use to the next one.
        let resumed = try await Self.run(["export", "--output", "e.jsonl"], service.scratch)
        #expect(resumed.status == 0)
        #expect(resumed.error.contains("continuing after"))
        #expect(try Self.lines("e.jsonl", service.scratch).count == 50)
        #expect(await service.stop() == 0)
    }

    @Test(
        .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"),
        .enabled(
            if: FileManager.default.fileExists(atPath: "/proc/self/exe"), "there is no /proc to watch a process in"),
        arguments: [SIGINT, SIGTERM])
    func `a backup that is interrupted removes its part, exits 1 and keeps the older backup`(number: Int32) async throws
    {
        let scratch = try await Self.stopped(sending: 1)
        #expect(try await Self.run(["backup", "b.db"], scratch).status == 0)
        let older = try scratch.read("b.db")
        try await Self.write(
            """
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
            INSERT INTO event (id, source_id, type, platform_event, received_at, verification, headers,
                body_sha256, envelope_sha256, envelope, body)
            SELECT 'evt_' || n, 1, type, platform_event, received_at, verification, headers, body_sha256,
                envelope_sha256, envelope, zeroblob(4000) FROM event, n WHERE seq = 1
            """, scratch)
        // A shell of its own watches, because this process may be busy with other tests. On a busy machine the
        // shell may come late, too: then the backup was not interrupted, and another one is.
        let script = """
            (until [ -e b.db.$$.partial ]; do [ -e /proc/$$/exe ] || exit; done; kill -$1 $$) &
            exec "$0" backup b.db --force
            """
        func interrupted() async throws -> (ChildProcess, status: Int32) {
            let backup = try ChildProcess("/bin/sh", ["-c", script, Binary.path(), "\(number)"], in: scratch)
            return (backup, await backup.waitForExit())
        }
        var (backup, status) = try await interrupted()
        for _ in 1...4 where status == 0 {
            try older.write(to: URL(filePath: scratch.path + "/b.db"))
            (backup, status) = try await interrupted()
        }
        #expect(status == 1)
        #expect(backup.standardError.contains("interrupted"), "\(backup.standardError)")
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(names.filter { $0.hasPrefix("b.db") } == ["b.db"])
        #expect(try scratch.read("b.db") == older)
    }

    @Test func `export writes every event as a line, and goes on where it was interrupted`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code", "--count", "6"]).status == 0)
        let polled = try await service.run(["poll", "claude-code"])
        let out = try await Self.run(["export"], service.scratch)
        #expect(out.status == 0)
        #expect(out.error.isEmpty)
        let envelopes = try out.lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).envelope }
        #expect(envelopes.map { String(decoding: $0, as: UTF8.self) } == polled.lines)

        try service.scratch.write(String(out.output.dropLast(40)), to: "e.jsonl.partial")
        let resumed = try await Self.run(["export", "--output", "e.jsonl", "--json"], service.scratch)
        #expect(resumed.status == 0)
        #expect(resumed.error == "continuing after 5 events\n")
        let summary = try JSONDecoder().decode(Receipt.self, from: Data(resumed.output.utf8))
        #expect(summary.events == 6)
        #expect(summary.bytes == out.output.utf8.count)
        #expect(String(decoding: try service.scratch.read("e.jsonl"), as: UTF8.self) == out.output)
        #expect(await service.stop() == 0)
    }

    @Test func `an export whose reader goes away ends quietly with 1`() async throws {
        let scratch = try await Self.stopped(sending: 0)
        let service = try await ServiceProcess.start(in: scratch)
        let summary = String(repeating: "x", count: 100_000)
        let body = """
            {"session_id":"s","working_directory":"/w","duration_seconds":1,"exit_status":0,"summary":"\(summary)"}
            """
        #expect(try await service.run(["send", "claude-code", "--body", "-", "--count", "2"], input: body).status == 0)
        // More than a pipe holds, so it cannot all have been written before the reader ends.
        let shell = try ChildProcess(
            "/bin/sh", ["-c", "{ \"$0\" export; echo $? > status; } | head -c 1", Binary.path()], in: scratch)
        #expect(await shell.waitForExit() == 0)
        #expect(shell.standardError.isEmpty, "\(shell.standardError)")
        #expect(String(decoding: try scratch.read("status"), as: UTF8.self) == "1\n")
        #expect(await service.stop() == 0)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `an export names a damaged event, writes it all the same and exits 1`() async throws {
        let scratch = try await Self.stopped(sending: 2)
        try await Self.write("UPDATE event SET envelope = ' ' || envelope WHERE seq = 2", scratch)
        let run = try await Self.run(["export", "--output", "e.jsonl"], scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("the stored envelope does not have its SHA-256"))
        #expect(run.error.contains("1 event without the right hashes"))
        #expect(try Self.lines("e.jsonl", scratch).count == 2)
    }

    // MARK: Helpers

    private static let names = [
        "schema", "integrity", "envelopes", "signatures", "sequence", "emissions", "states", "replays",
        "quarantine",
    ]

    private struct Report: Decodable {
        struct Check: Decodable {
            let name: String
            let verdict: String
            let failures: Int
            let mend: String?
        }

        let ok: Bool
        let checks: [Check]
    }

    private struct Receipt: Decodable {
        let events: Int
        let bytes: Int
    }

    private struct Line: Decodable { let envelope: Data }

    private static func run(_ arguments: [String], _ scratch: Scratch) async throws -> Binary.Result {
        try await Binary.run(arguments, in: scratch, environment: secret)
    }

    /// The database of a service that received some events and was stopped.
    private static func stopped(sending count: Int) async throws -> Scratch {
        let service = try await ServiceProcess.start(in: Scratch())
        if count > 0 {
            #expect(try await service.run(["send", "claude-code", "--count", "\(count)"]).status == 0)
        }
        #expect(await service.stop() == 0)
        return service.scratch
    }

    /// What nobody may do: writes to the database with another program.
    private static func write(_ sql: String, _ scratch: Scratch) async throws {
        let shell = try ChildProcess(Tool.path("sqlite3"), ["-bail", scratch.database, sql], in: scratch)
        #expect(await shell.waitForExit() == 0, "\(shell.standardError)")
    }

    private static func lines(_ name: String, _ scratch: Scratch) throws -> [Substring] {
        String(decoding: try scratch.read(name), as: UTF8.self).split(separator: "\n")
    }
}

/// The line that says how far a long command is.
@Suite struct ProgressTests {
    /// What was drawn, and a clock that a test moves.
    // Used by one test on one thread.
    private final class Screen {
        var time = ContinuousClock.now
        var drawn: [String] = []

        func progress(_ verb: String, total: Int, isShown: Bool = true) -> OrgLoopQueueCommand.Progress {
            OrgLoopQueueCommand.Progress(
                verb, total: total, isShown: isShown, draw: { self.drawn.append($0) }, now: { self.time })
        }
    }

    @Test func `it is drawn at most ten times a second`() {
        let screen = Screen()
        var progress = screen.progress("counting", total: 10_000)
        for number in 1...10_000 {
            screen.time += .microseconds(500)
            progress.show(number)
        }
        #expect((45...51).contains(screen.drawn.count))
        progress.end()
        #expect(screen.drawn.last == "\r\u{1B}[K")
    }

    @Test func `it shows the rate and the time left once they mean something`() {
        let early = OrgLoopQueueCommand.Progress.line("copying", 10, of: 100, .count, after: .milliseconds(900))
        #expect(early == "copying [##                       ] 10/100")
        let later = OrgLoopQueueCommand.Progress.line("copying", 50, of: 200, .count, after: .seconds(10))
        #expect(later == "copying [######                   ] 50/200  5/s  30s left")
        let bytes = OrgLoopQueueCommand.Progress.line("copying", 1 << 20, of: 3 << 20, .bytes, after: .seconds(2))
        #expect(bytes == "copying [########                 ] 1.0 MiB/3.0 MiB  512.0 KiB/s  4s left")
        #expect(OrgLoopQueueCommand.Progress.line("checking", 0, of: 0, .count, after: .zero) == "checking …")
        let endless = OrgLoopQueueCommand.Progress.line("importing", 5 << 20, of: 0, .bytes, after: .seconds(2))
        #expect(endless == "importing 5.0 MiB  2.5 MiB/s")
    }

    @Test func `another stage shows its name at once and has a rate of its own`() {
        let screen = Screen()
        var progress = screen.progress("copying", total: 0)
        progress.show("copying", 90, of: 100)
        progress.show("hashing", 0, of: 100)
        screen.time += .seconds(2)
        progress.show("hashing", 50, of: 100)
        #expect(screen.drawn.count == 3)
        #expect(screen.drawn.last?.contains("25/s  2s left") == true)
    }

    @Test func `nothing is drawn where no terminal is`() {
        let screen = Screen()
        var progress = screen.progress("copying", total: 100, isShown: false)
        progress.show(50)
        progress.end()
        #expect(screen.drawn.isEmpty)
    }
}
