import EventQueue
import EventQueueConformance
import GRDB
import Testing

@testable import EventQueueSQLite

/// DESIGN §5, rules 10 and 11: history that nobody can rewrite, whoever holds the file open.
@Suite struct RecordTests {
    /// What a read-write shell must not be able to do to the record.
    static let forbidden: [(sql: String, message: String)] = [
        ("INSERT INTO emission (seq, cursor_id, emission_no, batch_id) VALUES (1, 1, 1, 1)", "never replaced"),
        ("INSERT INTO emission (seq, cursor_id, emission_no, batch_id) VALUES (1, 1, 9, 1)", "CHECK"),
        (
            "INSERT INTO emission (seq, cursor_id, emission_no, batch_id, replay_id) VALUES (1, 1, 9, 1, 99)",
            "FOREIGN KEY"
        ),
        ("INSERT OR REPLACE INTO emission SELECT * FROM emission", "never replaced"),
        ("UPDATE OR REPLACE emission SET emission_no = 1 WHERE emission_no = 2", "never changed"),
        ("UPDATE emission SET emission_no = 2", "never changed"),
        ("UPDATE emission SET batch_id = NULL", "never changed"),
        ("DELETE FROM emission", "never deleted"),
        ("UPDATE replay SET reason = 'nicer'", "never changed"),
        ("DELETE FROM replay", "never deleted"),
        ("INSERT OR REPLACE INTO replay SELECT * FROM replay", "never replaced"),
        ("UPDATE replay_event SET emission_no = 7 WHERE seq = 1", "never changed"),
        (
            "INSERT OR REPLACE INTO replay_event SELECT seq, replay_id, cursor_id, NULL FROM replay_event",
            "never replaced"
        ),
        ("UPDATE replay_event SET seq = 3", "never changed"),
        ("DELETE FROM replay_event WHERE emission_no IS NULL", "never deleted"),
        ("DELETE FROM replay_event WHERE emission_no IS NOT NULL", "never deleted"),
        ("UPDATE resume SET reason = 'nicer'", "never changed"),
        ("DELETE FROM resume", "never deleted"),
        ("INSERT OR REPLACE INTO resume SELECT * FROM resume", "never replaced"),
        ("UPDATE consumer_drop SET actor = 'somebody'", "never changed"),
        ("DELETE FROM consumer_drop", "never deleted"),
        ("INSERT OR REPLACE INTO consumer_drop SELECT * FROM consumer_drop", "never replaced"),
        ("UPDATE buffer_import SET rejected = 0", "never changed"),
        ("DELETE FROM buffer_import", "never deleted"),
        ("INSERT OR REPLACE INTO buffer_import SELECT * FROM buffer_import", "never replaced"),
        (
            "INSERT INTO buffer_import (source_id, path, imported_at, through_byte, through_line, tail_sha256, events, "
                + "present, rejected, is_last) SELECT source_id, path, imported_at, 0, 0, tail_sha256, 0, 0, 0, 0 "
                + "FROM buffer_import WHERE is_last = 1", "happens once"
        ),
        ("UPDATE quarantine_order SET actor = 'somebody'", "never changed"),
        ("UPDATE quarantine SET body = x'7B7D'", "never changed"),
        ("DELETE FROM quarantine_order", "never deleted"),
        ("INSERT OR REPLACE INTO quarantine_order SELECT * FROM quarantine_order", "never replaced"),
        (
            "INSERT OR REPLACE INTO quarantine_order SELECT id + 9, quarantine_id, source_id, action, 'somebody', reason, "
                + "ordered_at, received_at, rejection, body_sha256, event_id, event_ids FROM quarantine_order "
                + "WHERE action = 'discarded'", "never replaced"
        ),
        (
            "INSERT INTO quarantine_order SELECT id + 9, quarantine_id + 9, source_id, action, actor, NULL, ordered_at, "
                + "received_at, rejection, body_sha256, event_id, event_ids FROM quarantine_order "
                + "WHERE action = 'discarded'", "CHECK"
        ),
        ("UPDATE secret SET key_id = '0b0b0b0b'", "never changed"),
        ("DELETE FROM secret", "never deleted"),
        ("INSERT OR REPLACE INTO secret SELECT * FROM secret", "never replaced"),
        (
            "INSERT INTO secret (source_id, key_id, scheme, configured_at) SELECT source_id, key_id, 'github', "
                + "configured_at FROM secret WHERE key_id = '0b0b0b0b'", "in use once"
        ),
        ("UPDATE secret_drop SET dropped_at = '2026-01-01T00:00:00.000Z'", "never changed"),
        ("DELETE FROM secret_drop", "never deleted"),
        ("INSERT OR REPLACE INTO secret_drop SELECT * FROM secret_drop", "never replaced"),
        ("UPDATE event SET id = 'evt_other'", "never changed"),
        (
            "INSERT INTO replay (name, cursor_id, actor, reason, requested_at, selection, events, skipped) "
                + "VALUES ('rpl_2', 1, '', 'why', '', '', 1, 0)", "CHECK"
        ),
        (
            "INSERT INTO session (name, cursor_id, engine, settles, opened_at) "
                + "VALUES ('ses_2', 1, 'x', 0, ''), ('ses_3', 1, 'x', 0, '')", "UNIQUE"
        ),
    ]

    @Test(arguments: forbidden)
    func `the record cannot be changed from a shell that may write`(sql: String, message: String) async throws {
        let scratch = try await ScratchStore()
        try await history(scratch)
        let error = #expect(throws: DatabaseError.self) { try scratch.tamper(sql) }
        #expect(error?.message?.contains(message) == true)
        await scratch.store.close()
    }

    @Test func `retention may delete an event with everything about it`() async throws {
        let scratch = try await ScratchStore()
        try await history(scratch)
        try scratch.tamper("PRAGMA foreign_keys = ON; DELETE FROM event WHERE seq = 1")
        await scratch.store.close()
    }

    @Test func `a second emission without an order shows, even if somebody got past the constraints`() async throws {
        let scratch = try await ScratchStore()
        try await history(scratch)
        func doubles() throws -> [Row] {
            try scratch.store.pool.read { try Row.fetchAll($0, sql: "SELECT * FROM double_emissions") }
        }
        #expect(try doubles().isEmpty)
        try scratch.tamper(
            """
            PRAGMA ignore_check_constraints = ON;
            INSERT INTO emission (seq, cursor_id, emission_no, batch_id) VALUES (1, 1, 7, 1);
            """)
        let found = try doubles()
        #expect(found.map { $0["seq"] as Int64 } == [1])
        #expect(found.map { $0["emissions"] as Int } == [2])
        await scratch.store.close()
    }

    /// One event emitted and replayed, one that waits for its replay, a resume, a consumer that was dropped, a buffer
    /// that was imported, three requests in quarantine of which one was retried and one discarded, and a secret
    /// that another one has followed.
    private func history(_ scratch: ScratchStore) async throws {
        let sent = try await scratch.append(2)
        let cursor = Cursor.Key(consumer: .standard, source: scratch.source.id)
        var last = try await scratch.poll().checkpoint
        for event in sent {
            last = try await scratch.poll(last).checkpoint
            _ = try await scratch.store.replay(
                Replay.Order(cursor: cursor, actor: "ada", reason: "why", selection: .events([event])))
            if event == sent[0] { last = try await scratch.poll(last).checkpoint }
        }
        _ = try await scratch.store.resume(ResumeOrder(cursor: cursor, actor: "ada", reason: "why"))
        let other = Cursor.Key(consumer: scratch.setUp.other, source: scratch.source.id)
        _ = try await scratch.store.poll(PollRequest(cursor: other, checkpoint: nil))
        _ = try await scratch.store.dropConsumer(
            ConsumerDrop(consumer: scratch.setUp.other, actor: "ada", reason: "gone"))
        let mark = Buffer.Mark(byte: 0, line: 0, tail: Fingerprint(of: []))
        try await scratch.store.endBuffer(Buffer.Key(source: scratch.source.id, path: "/b.jsonl"), at: mark)
        for number in 1...3 {
            let request = try scratch.event(#"{"n":\#(number)}"#).request
            try await scratch.store.quarantine(
                RejectedRequest(source: scratch.source.id, request: request, rejection: .invalidJSON(detail: "test")))
        }
        _ = try await scratch.store.release(.init(request: 1, actor: "ada"), as: [try scratch.event(key: "late")])
        _ = try await scratch.store.discard(.init(request: 2, actor: "ada", reason: "a test"))
        for key in ["0a0a0a0a", "0b0b0b0b"] {
            try await scratch.store.recordSecrets([Secret.Use(source: scratch.source.id, keyID: key, scheme: "hub")])
        }
    }
}
