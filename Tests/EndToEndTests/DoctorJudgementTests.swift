import EventQueue
import EventQueueSQLite
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// What `doctor` makes of facts, without a machine that has them.
@Suite struct DoctorJudgementTests {
    @Test(
        arguments: [
            (0o700, 0o600, 0o600, [.ok, .ok, .ok]), (0o750, 0o640, 0o640, [.ok, .ok, .fail]),
            (0o755, 0o644, 0o644, [.warn, .warn, .fail]), (0o770, 0o660, 0o660, [.warn, .warn, .fail]),
        ] as [(Int, Int, Int, [Finding.Level])])
    func `modes are judged by what others could do`(
        directory: Int, database: Int, token: Int, levels: [Finding.Level]
    ) {
        let findings = [(PermissionCheck.Kind.directory, directory), (.database, database), (.token, token)].map {
            let facts = PermissionCheck.Facts(owner: 7, mode: $1, isDirectory: $0 == .directory)
            return PermissionCheck($0, path: "/q", facts: facts, user: 7).finding
        }
        #expect(findings.map(\.level) == levels)
    }

    @Test func `files of another user are a warning, except to root`() {
        let facts = PermissionCheck.Facts(owner: 7, mode: 0o600, isDirectory: false)
        #expect(PermissionCheck(.database, path: "/q", facts: facts, user: 8).finding.level == .warn)
        #expect(PermissionCheck(.database, path: "/q", facts: facts, user: 0).finding.level == .ok)
        #expect(PermissionCheck(.directory, path: "/q", facts: facts, user: 7).finding.level == .fail)
    }

    @Test(arguments: [(7 << 20, .fail), (9 << 20, .warn), (2 << 30, .ok)] as [(Int64, Finding.Level)])
    func `free space is judged by the floor and by comfort`(free: Int64, level: Finding.Level) {
        #expect(StorageChecks.freeSpace(free, least: 8 << 20, path: "/q").level == level)
    }

    @Test func `an older SQLite is fine while only the service writes`() {
        let shell = OpenFiles.Holder(processID: 9, name: "sqlite3")
        let old = StorageChecks.sqlite(version: "3.40.1", number: 3_040_001, writers: [])
        #expect(old.level == .ok)
        #expect(old.text.contains("only the service"))
        #expect(StorageChecks.sqlite(version: "3.51.3", number: 3_051_003, writers: []).text == "3.51.3")
        let danger = StorageChecks.sqlite(version: "3.40.1", number: 3_040_001, writers: [shell])
        #expect(danger.level == .warn)
        #expect(danger.text.contains("sqlite3 (pid 9)"))
        #expect(danger.text.contains("lose rows"))
        let rule = StorageChecks.sqlite(version: "3.52.0", number: 3_052_000, writers: [shell])
        #expect(rule.level == .warn)
        #expect(!rule.text.contains("lose rows"))
    }

    @Test(arguments: [("0100002", true), ("02100001", true), ("0100000", false), ("0400000", false), ("9", false)])
    func `open flags are read as the kernel writes them`(flags: String, writes: Bool) {
        #expect(OpenFiles.isOpenForWriting("pos:\t0\nflags:\t\(flags)\nmnt_id:\t29\n") == writes)
    }

    static let answers: [(ServiceChecks.Answer, ServiceLock.Standing, Finding.Level)] = [
        (.status(200, body: #"{"status":"ready"}"#), .held(processID: 7, url: nil), .ok),
        (.status(200, body: "<html>"), .free, .fail), (.status(404, body: ""), .free, .fail),
        (.status(503, body: #"{"status":"not ready"}"#), .held(processID: 7, url: nil), .fail),
        (.trouble("late"), .free, .fail),
        (.status(421, body: ""), .free, .fail), (.nobody, .free, .warn), (.nobody, .unreadable("why"), .warn),
        (.nobody, .held(processID: nil, url: nil), .fail),
    ]

    @Test(arguments: answers.indices)
    func `the service is judged by its answer and by who has the lock`(index: Int) throws {
        let (answer, lock, level) = Self.answers[index]
        let checks = ServiceChecks(
            url: "http://h:1", listen: .standard, lock: lock, ready: answer, isPortFree: nil, hasToken: true,
            authorised: nil)
        let finding = try #require(checks.findings.first)
        #expect(finding.check == "service")
        #expect(finding.level == level)
    }

    @Test(
        arguments: [
            (true, .status(200, body: ""), .ok), (true, .status(401, body: ""), .fail),
            (true, .status(503, body: ""), .warn), (true, .nobody, .warn), (false, nil, .fail),
        ] as [(Bool, ServiceChecks.Answer?, Finding.Level)])
    func `the token is judged by what the service says to it`(
        hasToken: Bool, answer: ServiceChecks.Answer?, level: Finding.Level
    ) {
        let checks = ServiceChecks(
            url: "http://h:1", listen: .standard, lock: .held(processID: 7, url: nil), ready: .status(200, body: ""),
            isPortFree: nil, hasToken: hasToken, authorised: answer)
        #expect(checks.findings.first { $0.check == "token" }?.level == level)
    }

    // MARK: Queue

    @Test func `a clock of another century and an event of the future are told`() {
        #expect(Self.queue(now: 0).findings[0].level == .fail)
        let now: Int64 = 1_750_000_000_000
        #expect(Self.queue(now: now, newest: now + 59_000).findings[0].level == .ok)
        #expect(Self.queue(now: now, newest: now + 61_000).findings[0].level == .warn)
    }

    @Test func `a reader's troubles come with the commands that mend them`() throws {
        let now: Int64 = 1_750_000_000_000
        let cursor = QueueStatus.CursorStatus(
            consumer: .standard, counts: [.inDoubt: 2, .failed: 1, .pending: 5],
            oldestPendingAt: Timestamp(milliseconds: now - 3_700_000), position: .init(rawValue: 9),
            lastBatch: nil, session: nil)
        let source = try Self.source(cursors: [cursor], quarantined: 3)
        let findings = Self.queue(now: now, sources: [source]).findings.filter { $0.level != .ok }
        #expect(findings.map(\.check) == ["in doubt", "failed", "consumer", "quarantine"])
        #expect(
            findings[0].mend
                == "orgloop-queue replay --source claude-code --consumer orgloop --in-doubt --reason '…'")
        #expect(findings[1].mend?.contains("--state failed") == true)
        #expect(findings[2].text.contains("61m"))
        #expect(findings[3].mend?.contains("quarantine list --source") == true)
    }

    @Test func `a source that nobody reads is told, and one that is read is fine`() throws {
        let unread = Self.queue(now: 1_750_000_000_000, sources: [try Self.source(cursors: [], quarantined: 0)])
        #expect(unread.findings.last?.level == .warn)
        #expect(unread.findings.last?.mend?.contains("orgloop-queue poll claude-code") == true)
        let cursor = QueueStatus.CursorStatus(
            consumer: .standard, counts: [:], oldestPendingAt: nil, position: .init(rawValue: 0), lastBatch: nil,
            session: nil)
        let read = Self.queue(now: 1_750_000_000_000, sources: [try Self.source(cursors: [cursor], quarantined: 0)])
        #expect(read.findings.allSatisfy { $0.level == .ok })
    }

    // MARK: Hook

    @Test(
        arguments: [
            (nil, .warn), ("{}", .warn), ("{", .warn), (#"{"hooks":[]}"#, .warn),
            (#"{"hooks":{"Stop":[{"hooks":[{"command":"say done"}]}]}}"#, .warn),
            (#"{"hooks":{"Stop":[{"hooks":[{"command":"x"},{"command":"/b/orgloop-queue hook claude-code"}]}]}}"#, .ok),
            (#"{"hooks":{"SessionEnd":[{"hooks":[{"type":"http","url":"http://h:1/webhook/cc"}]}]}}"#, .ok),
            (#"{"hooks":{"SessionEnd":[{"hooks":[{"type":"http","url":"http://h:2/webhook/cc"}]}]}}"#, .warn),
            (#"{"hooks":{"Stop":[{"hooks":[{"command":"/gone/orgloop-queue hook claude-code"}]}]}}"#, .warn),
            (#"{"hooks":{"Stop":[{"hooks":[{"command":"orgloop hook claude-code-stop --port 1"}]}]}}"#, .ok),
            (#"{"hooks":{"Stop":[{"hooks":[{"command":"orgloop hook claude-code-stop"}]}]}}"#, .warn),
            (#"{"hooks":{"Stop":[{"hooks":[{"command":"curl -d @- http://h:1/webhook/cc"}]}]}}"#, .ok),
        ] as [(String?, Finding.Level)])
    func `a hook that sends here is told from others`(settings: String?, level: Finding.Level) {
        let content = HookCheck.Content(settings.map { Data($0.utf8) })
        let finding = HookCheck(files: [("a", .missing), ("b", content)], url: "http://h:1") {
            $0 == "/b/orgloop-queue"
        }
        .finding
        #expect(finding.level == level)
        #expect(level == .ok || finding.mend?.contains("orgloop-queue hook") == true)
    }

    // MARK: Helpers

    private static func queue(
        now: Int64, newest: Int64? = nil, sources: [QueueStatus.SourceStatus]? = nil
    ) -> QueueChecks {
        QueueChecks(
            configured: [], sources: sources,
            newestReceivedAt: newest.map { Timestamp(milliseconds: $0) }, now: Timestamp(milliseconds: now))
    }

    private static func source(cursors: [QueueStatus.CursorStatus], quarantined: Int) throws
        -> QueueStatus.SourceStatus
    {
        QueueStatus.SourceStatus(
            id: try #require(Source.ID("claude-code")), events: 9, held: 9, lastReceivedAt: nil,
            quarantined: quarantined,
            quarantineDropped: 0, cursors: cursors)
    }
}
