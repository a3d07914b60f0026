import EventQueue
import EventQueueConformance
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

@Suite struct ImportTests {
    @Test func `an exported event is imported as it was, in every column but seq`() async throws {
        let old = try await ScratchStore()
        for (number, key) in ["delivery-1", nil, "delivery-3"].enumerated() {
            _ = try await old.store.append(try old.event("{\"type\":\"t\",\n\"n\": \(number).50}", key: key))
        }
        let lines = try exportedLines(old)
        let new = try await ScratchStore()
        try await new.append(2)
        let results = try await new.store.importEvents(try lines.map(parse))
        #expect(results == [.stored, .stored, .stored])
        let before = try rows(of: old)
        let after = try rows(of: new)
        #expect(after.count == 5)
        #expect(Array(after.suffix(3)) == before)
        await old.store.close()
        await new.store.close()
    }

    @Test func `importing again changes nothing, and one chunk may hold a line twice`() async throws {
        let scratch = try await ScratchStore()
        let events = try (1...3).map { try parse(Self.bufferLine($0)) }
        let first = try await scratch.store.importEvents(events + [events[1]])
        #expect(first == [.stored, .stored, .stored, .present(events[1].id)])
        let before = try rows(of: scratch)
        #expect(try await scratch.store.importEvents(events) == events.map { .present($0.id) })
        #expect(try await scratch.store.importEvents([]) == [])
        #expect(try rows(of: scratch) == before)
        let status = try await scratch.store.status()
        #expect(status.sources.map(\.events).reduce(0, +) == 3)
        await scratch.store.close()
    }

    @Test func `another content under the same id or the same key is a conflict and stays out`() async throws {
        let scratch = try await ScratchStore()
        let known = try parse(Self.bufferLine(1))
        let impostor = try parse(Self.bufferLine(1, summary: "other"))
        #expect(try await scratch.store.importEvents([known, impostor]) == [.stored, .conflict(known.id)])
        let stored = try scratch.event(#"{"type":"test"}"#, key: "delivery-1")
        _ = try await scratch.store.append(stored)
        let same = try parse(Self.exportLine(id: "evt_f1", key: "delivery-1", body: #"{"type":"test"}"#, scratch))
        let other = try parse(Self.exportLine(id: "evt_f2", key: "delivery-1", body: "{}", scratch))
        let results = try await scratch.store.importEvents([same, other])
        #expect(results == [.present(stored.id), .conflict(stored.id)])
        await scratch.store.close()
    }

    @Test func `content that is damaged is put back by a line that has the recorded hashes, and by no other`()
        async throws
    {
        let scratch = try await ScratchStore()
        let event = try scratch.event(#"{"type":"test"}"#)
        _ = try await scratch.store.append(event)
        try await scratch.append()
        let lines = try exportedLines(scratch)
        let before = try rows(of: scratch)
        for column in ["envelope", "body"] {
            try scratch.tamper(
                "UPDATE event SET \(column) = CAST('x' || \(column) AS \(column == "body" ? "BLOB" : "TEXT"))")
            let impostor = try parse(
                Self.exportLine(id: event.id.rawValue, key: "k", body: #"{"type":"other"}"#, scratch))
            #expect(try await scratch.store.importEvents([impostor]) == [.conflict(event.id)])
            #expect(try rows(of: scratch) != before)
            let events = try lines.map(parse)
            #expect(try await scratch.store.importEvents(events) == events.map { .restored($0.id) })
            #expect(try rows(of: scratch) == before)
        }
        #expect(try await scratch.poll().envelopes.count == 2)
        // What retention has dropped stays dropped.
        try scratch.tamper("UPDATE event SET envelope = NULL, body = NULL WHERE seq = 1")
        #expect(try await scratch.store.importEvents([try parse(lines[0])]) == [.present(event.id)])
        #expect(try await scratch.store.event(event.id)?.envelope == nil)
        await scratch.store.close()
    }

    @Test func `what is imported is pending for every consumer, in its order, and wakes who waits`() async throws {
        let scratch = try await ScratchStore()
        let source = try #require(Source.ID("claude-code"))
        let cursor = Cursor.Key(consumer: .standard, source: source)
        let ticket = scratch.store.doorbell.ticket(for: source)
        _ = try await scratch.store.importEvents(try [2, 1].map { try parse(Self.bufferLine($0)) })
        #expect(scratch.store.doorbell.ticket(for: source) != ticket)
        let answer = try await scratch.store.poll(PollRequest(cursor: cursor, checkpoint: nil))
        let envelopes = answer.envelopes.map { String(decoding: $0, as: UTF8.self) }
        #expect(envelopes == [Self.bufferLine(2), Self.bufferLine(1)])
        let status = try await scratch.store.status().sources.first { $0.id == source }
        #expect(status?.events == 2)
        #expect(status?.cursors.first?.counts[.drained] == 2)
        await scratch.store.close()
    }

    @Test func `a thinned event keeps its hashes and its idempotency key`() async throws {
        let scratch = try await ScratchStore()
        let line = Self.exportLine(id: "evt_f1", key: "delivery-1", body: "{}", scratch, thinned: true)
        #expect(try await scratch.store.importEvents([try parse(line)]) == [.stored])
        let row = try #require(try rows(of: scratch).first)
        #expect(row["envelope"] == nil as String?)
        #expect(row["body"] == nil as Data?)
        #expect(row["body_sha256"] == Data(Fingerprint(of: Array("{}".utf8)).bytes))
        let late = try scratch.event("{}", key: "delivery-1")
        #expect(try await scratch.store.append(late) == .duplicate(try #require(Event.ID("evt_f1"))))
        await scratch.store.close()
    }

    @Test func `a full queue takes no import, and says what is full`() async throws {
        var limits = Limits.Settings()
        limits.queueEventsMax = 2
        let scratch = try await ScratchStore(limits: limits)
        let events = try (1...3).map { try parse(Self.bufferLine($0)) }
        let refusal = try await failure { _ = try await scratch.store.importEvents(events) }
        #expect(refusal.code == "over_quota")
        #expect(try rows(of: scratch).isEmpty)
        #expect(try await scratch.store.importEvents(Array(events.prefix(2))) == [.stored, .stored])
        let next = try await failure { try await scratch.append() }
        #expect(next.code == "over_quota")
        await scratch.store.close()
    }

    @Test func `new ids sort after our own and not after imported ones`() async throws {
        let scratch = try await ScratchStore()
        let own = try await scratch.append(3)
        let foreign = ["evt_zz", "evt_ffffffffffffffff", "evt_2000000000000000", "evt_1"]
        _ = try await scratch.store.importEvents(try foreign.map { try parse(Self.bufferLine(id: $0)) })
        #expect(try await scratch.store.lastEventID() == own.max())
        await scratch.store.close()
    }

    // MARK: Helpers

    private func parse(_ line: String) throws -> ImportedEvent {
        try ImportLine.parse(Array(line.utf8), receivedAt: Timestamp(milliseconds: 1_736_937_000_000))
    }

    private static func bufferLine(_ number: Int, summary: String = "done") -> String {
        bufferLine(id: "evt_b\(number)", summary: summary)
    }

    private static func bufferLine(id: String, summary: String = "done") -> String {
        #"{"id":"\#(id)","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code","type":"actor.stopped","#
            + #""provenance":{"platform":"claude-code","platform_event":"session.exited"},"#
            + #""payload":{"summary":"\#(summary)"}}"#
    }

    private static func exportLine(
        id: String, key: String, body: String, _ scratch: ScratchStore, thinned: Bool = false
    ) -> String {
        let source = scratch.source.id
        let envelope = #"{"id":"\#(id)","source":"\#(source)","type":"resource.changed","payload":\#(body)}"#
        func encoded(_ text: String) -> String { thinned ? "null" : "\"\(Data(text.utf8).base64EncodedString())\"" }
        return #"{"orgloop_queue":1,"id":"\#(id)","source":"\#(source)","type":"resource.changed","#
            + #""platform_event":"test","received_at":"2025-02-03T04:05:06.789Z","verification":"none","#
            + #""key_id":null,"idempotency_key":"\#(key)","headers":{},"#
            + #""body_sha256":"\#(Fingerprint(of: Array(body.utf8)))","#
            + #""envelope_sha256":"\#(Fingerprint(of: Array(envelope.utf8)))","#
            + #""envelope":\#(encoded(envelope)),"body":\#(encoded(body))}"#
    }

    /// The lines that an exporter writes, put together by SQLite itself but for the base64.
    private func exportedLines(_ scratch: ScratchStore) throws -> [String] {
        try scratch.store.pool.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT json_object('orgloop_queue', 1, 'id', event.id, 'source', source.name, 'type', type,
                        'platform_event', platform_event, 'received_at', received_at,
                        'verification', verification, 'key_id', key_id, 'idempotency_key', idempotency_key,
                        'headers', json(headers), 'body_sha256', lower(hex(body_sha256)),
                        'envelope_sha256', lower(hex(envelope_sha256))) AS line,
                        CAST(envelope AS BLOB) AS envelope, body
                    FROM event JOIN source ON source.id = source_id ORDER BY seq
                    """)
            return rows.map { row in
                let (envelope, body) = (row["envelope"] as Data, row["body"] as Data)
                return (row["line"] as String).dropLast() + ",\"envelope\":\"\(envelope.base64EncodedString())\","
                    + "\"body\":\"\(body.base64EncodedString())\"}"
            }
        }
    }

    /// Every column of every event but `seq`, with the source's name instead of its row.
    private func rows(of scratch: ScratchStore) throws -> [Row] {
        try scratch.store.pool.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT event.id, source.name, type, platform_event, received_at, verification, key_id,
                        idempotency_key, headers, body_sha256, envelope_sha256, envelope, body
                    FROM event JOIN source ON source.id = source_id ORDER BY seq
                    """)
        }
    }
}
