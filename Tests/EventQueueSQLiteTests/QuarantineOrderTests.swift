import EventQueue
import EventQueueConformance
import GRDB
import Testing

@testable import EventQueueSQLite

/// Who had requests in quarantine retried or discarded, as an auditor asks the file.
@Suite struct QuarantineOrderTests {
    @Test func `the view has one row per order and request, and keeps it when request and event are gone`()
        async throws
    {
        let scratch = try await ScratchStore()
        try await Self.keep(2, in: scratch)
        let refusal = QuarantinedRequest.Refusal(.missingField(name: "x", detail: "x is missing"))
        #expect(try await scratch.store.refuse(.init(request: 1, actor: "ada"), as: refusal))
        scratch.setUp.clock.move(by: .seconds(1))
        let events = [try scratch.event(key: "one"), try scratch.event(key: "two")]
        let retry = QuarantinedRequest.Retry(request: 1, actor: "ada", reason: "mended")
        #expect(try await scratch.store.release(retry, as: events) == events.map { .stored($0.id) })
        #expect(try await scratch.store.discard(.init(request: 2, actor: "bob", reason: "a test")))
        let rows = try Self.orders(in: scratch)
        let columns = [
            "quarantine_id", "source", "action", "actor", "reason", "ordered_at", "received_at", "rejection",
            "body_sha256", "event_id", "event_ids",
        ]
        #expect(rows.first.map { Array($0.columnNames) } == columns)
        #expect(rows.map { $0["quarantine_id"] as Int } == [1, 1, 2])
        #expect(rows.map { $0["action"] as String } == ["refused", "retried", "discarded"])
        #expect(rows.map { $0["actor"] as String } == ["ada", "ada", "bob"])
        #expect(rows.map { $0["reason"] as String? } == [nil, "mended", "a test"])
        #expect(rows.map { $0["rejection"] as String } == ["missing_field", "missing_field", "invalid_json"])
        #expect(rows.map { $0["event_id"] as String? } == [nil, events[0].id.rawValue, nil])
        #expect(rows[1]["event_ids"] as String == #"["\#(events[0].id)","\#(events[1].id)"]"#)
        #expect(rows[1]["received_at"] as String != rows[1]["ordered_at"] as String)
        let body = Fingerprint(of: Array(#"{"n":1}"#.utf8)).description
        #expect(rows[1]["body_sha256"] as String == body)
        try scratch.tamper("PRAGMA foreign_keys = ON; DELETE FROM event")
        #expect(try Self.orders(in: scratch).count == 3)
        await scratch.store.close()
    }

    @Test func `an order and the event it made are one commit`() async throws {
        let scratch = try await ScratchStore()
        try await Self.keep(1, in: scratch)
        // Whatever stops the record stops the event, too.
        try scratch.tamper(
            """
            CREATE TRIGGER stop BEFORE INSERT ON quarantine_order BEGIN SELECT RAISE (ABORT, 'stopped'); END
            """)
        let event = try scratch.event(key: "late")
        await #expect(throws: StoreFailure.self) {
            try await scratch.store.release(.init(request: 1, actor: "ada"), as: [event])
        }
        await #expect(throws: StoreFailure.self) {
            try await scratch.store.discard(.init(request: 1, actor: "ada", reason: "why"))
        }
        let status = try #require(await scratch.store.status().sources.first { $0.id == scratch.source.id })
        #expect(status.events == 0)
        #expect(status.quarantined == 1)
        try scratch.tamper("DROP TRIGGER stop")
        let released = try await scratch.store.release(.init(request: 1, actor: "ada"), as: [event])
        #expect(released == [.stored(event.id)])
        #expect(try Self.orders(in: scratch).map { $0["event_id"] as String? } == [event.id.rawValue])
        await scratch.store.close()
    }

    @Test func `what is kept is counted by source and reason`() async throws {
        let scratch = try await ScratchStore()
        try await Self.keep(3, in: scratch)
        let refusal = QuarantinedRequest.Refusal(.missingField(name: "x", detail: "x is missing"))
        #expect(try await scratch.store.refuse(.init(request: 2, actor: "ada"), as: refusal))
        let rows = try Self.rows(
            """
            SELECT source, reason, count(*) AS requests, sum(bytes) AS bytes FROM quarantined
            GROUP BY source, reason ORDER BY reason
            """, scratch)
        #expect(rows.map { $0["reason"] as String } == ["invalid_json", "missing_field"])
        #expect(rows.map { $0["requests"] as Int } == [2, 1])
        #expect(rows.map { $0["bytes"] as Int } == [14, 7])
        #expect(rows.allSatisfy { $0["source"] == scratch.source.id.rawValue })
        await scratch.store.close()
    }

    @Test func `what makes room for newer requests is no order`() async throws {
        var limits = Limits.Settings()
        limits.quarantineRowsMax = 1
        let scratch = try await ScratchStore(limits: limits)
        try await Self.keep(3, in: scratch)
        #expect(try await scratch.store.quarantined(of: nil, after: nil, limit: 10).map(\.id) == [3])
        #expect(try Self.orders(in: scratch).isEmpty)
        await scratch.store.close()
    }

    // MARK: Helpers

    private static func keep(_ count: Int, in scratch: ScratchStore) async throws {
        for number in 1...count {
            let request = try scratch.event(#"{"n":\#(number)}"#).request
            try await scratch.store.quarantine(
                RejectedRequest(source: scratch.source.id, request: request, rejection: .invalidJSON(detail: "test")))
        }
    }

    private static func orders(in scratch: ScratchStore) throws -> [Row] {
        try rows("SELECT * FROM quarantine_orders", scratch)
    }

    private static func rows(_ sql: String, _ scratch: ScratchStore) throws -> [Row] {
        try scratch.store.pool.read { try Row.fetchAll($0, sql: sql) }
    }
}
