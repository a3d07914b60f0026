import Foundation
import Testing

/// What the article for auditors promises holds.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime, .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
struct AuditArticleTests {
    @Test func `the article has twelve questions, and the shell answers each with the columns it shows`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code", "--count", "3"]).status == 0)
        #expect(try await service.run(["poll", "claude-code", "--limit", "2"]).status == 0)
        let replayed = try await service.run([
            "replay", "--source", "claude-code", "--batch", "1", "--reason", "a test", "--actor", "ada",
        ])
        #expect(replayed.status == 0)
        let event = try await Self.rows("SELECT id FROM events LIMIT 1", service)[0]
        let questions = try AuditArticle.questions()
        #expect(questions.count == 12)
        for question in questions {
            let sql = question.sql(event: event, since: "2026-01-01T00:00:00.000Z")
            // A row of names would be missing from an empty answer, so the columns are asked for by themselves.
            let columns = try await Self.columns(of: sql, service)
            #expect(columns == question.columns, "\(question)")
        }
        await service.stop()
    }

    @Test func `the file is read while the service is stopped, and stays as it is`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        await service.stop()
        let before = try service.scratch.read("state/orgloop-queue/queue.db")
        #expect(try await Self.rows("SELECT count(*) FROM events", service) == ["1"])
        #expect(try service.scratch.read("state/orgloop-queue/queue.db") == before)
        let again = try await ServiceProcess.start(in: service.scratch)
        #expect(await again.stop() == 0)
    }

    @Test func `a shell that may write cannot change the record, and the service goes on`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await service.run(["poll", "claude-code"]).status == 0)
        #expect(
            try await service.run(["replay", "--source", "claude-code", "--batch", "1", "--reason", "r"]).status == 0)
        await service.stop()
        for sql in [
            "UPDATE replay SET reason = 'nicer'", "DELETE FROM replay", "REPLACE INTO replay SELECT * FROM replay",
            "DELETE FROM emission", "UPDATE emission SET batch_id = NULL",
        ] {
            let shell = try ChildProcess(
                Tool.path("sqlite3"), ["-bail", service.scratch.database, sql], in: service.scratch)
            #expect(await shell.waitForExit() != 0, "\(sql)")
            #expect(shell.standardError.contains("is a record and is never"), "\(sql)")
        }
        let again = try await ServiceProcess.start(in: service.scratch)
        #expect(await again.stop() == 0)
    }

    private static func rows(_ sql: String, _ service: ServiceProcess) async throws -> [String] {
        try await SQLiteShell.rows(sql, of: service.scratch.database, in: service.scratch)
    }

    private static func columns(of sql: String, _ service: ServiceProcess) async throws -> [String] {
        let view = sql.trimmingCharacters(in: .whitespacesAndNewlines).dropLast(sql.contains(";") ? 1 : 0)
        let asked = """
            CREATE TEMP VIEW asked AS \(view);
            SELECT name FROM pragma_table_info('asked') ORDER BY cid
            """
        return try await rows(asked, service)
    }
}
