public import EventQueue
import Foundation
import GRDB
import Logging

extension SQLiteEventStore {
    public func importEvents(_ events: [ImportedEvent]) async throws -> [Imported] {
        guard !events.isEmpty else { return [] }
        let results = try await writer.transaction(guardian, appending: events.count) { database in
            try Self.insert(events, into: database)
        }
        noteImported(events, results)
        return results
    }

    /// Counts what was stored, and wakes who waits for it.
    func noteImported(_ events: [ImportedEvent], _ results: [Imported]) {
        guardian.noteStored(results.count { $0 == .stored })
        for case .restored(let id) in results {
            logger.warning("an import put the content of a damaged event back", metadata: ["event": "\(id)"])
        }
        let stored = zip(events, results).filter { $0.1 == .stored }.map(\.0.source)
        for source in Set(stored) { doorbell.ring(source) }
    }

    static func insert(_ events: [ImportedEvent], into database: Database) throws -> [Imported] {
        var insertion = try EventInsertion(in: database)
        let results = try events.map { event -> Imported in
            if let found = try find(event, in: database) { return found }
            guard try insertion.store(event) else {
                return try findDelivery(of: event, source: insertion.source(event.source), in: database)
            }
            return .stored
        }
        try insertion.finish()
        return results
    }

    /// What the event's id says; `nil` when it is new.
    private static func find(_ event: ImportedEvent, in database: Database) throws -> Imported? {
        let row = try database.first(
            """
            SELECT seq, envelope_sha256, body_sha256 = ?2 AS has_body,
                envelope IS NOT NULL AND (CAST(envelope AS BLOB) IS NOT ?3 OR body IS NOT ?4) AS differs
            FROM event WHERE id = ?1
            """,
            [
                event.id.rawValue, Data(event.bodyFingerprint.bytes), event.content.map { Data($0.envelope) },
                event.content.map { Data($0.body) },
            ])
        return try row.map { row in
            guard row["envelope_sha256"] == Data(event.envelopeFingerprint.bytes) else {
                return .conflict(event.id)
            }
            guard let content = event.content, row["has_body"], row["differs"] else { return .present(event.id) }
            try restore(content, sequence: row["seq"], in: database)
            return .restored(event.id)
        }
    }

    /// Puts bytes back that have the recorded hashes, which the stored ones then cannot have.
    private static func restore(_ content: ImportedEvent.Content, sequence: Int64, in database: Database) throws {
        try database.run(
            "UPDATE event SET envelope = CAST(? AS TEXT), body = ? WHERE seq = ?",
            [Data(content.envelope), Data(content.body), sequence])
    }

    /// What became of an event whose idempotency key is taken.
    private static func findDelivery(of event: ImportedEvent, source: Int64, in database: Database) throws
        -> Imported
    {
        let row = try database.first(
            "SELECT id, body_sha256 FROM event WHERE source_id = ? AND idempotency_key = ?",
            [source, event.idempotencyKey])
        guard let row, let first = Event.ID(row["id"] as String) else {
            throw StoreFailure.broken("An idempotency key is in its index but not in its table.")
        }
        return row["body_sha256"] == Data(event.bodyFingerprint.bytes) ? .present(first) : .conflict(first)
    }

    /// The greatest id that a queue has made.
    ///
    /// Events that came from OrgLoop's buffer have its random ids, and some of those look like ours: a start
    /// passes over the few that sort behind our own.
    static func lastOwnEventID(_ database: Database) throws -> Event.ID? {
        let row = try database.first(
            """
            SELECT id FROM event
            WHERE id < ?1 AND length(id) = length(?1) AND substr(id, 5) NOT GLOB '*[^0-9a-f]*'
                AND verification <> ?2
            ORDER BY id DESC LIMIT 1
            """, [EventIDGenerator.bound.rawValue, ImportedEvent.unverified])
        return row.flatMap { Event.ID($0["id"] as String) }
    }
}
