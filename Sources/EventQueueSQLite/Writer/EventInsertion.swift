import EventQueue
import Foundation
import GRDB

/// A row of `event` that is about to be stored, wherever the event comes from.
struct EventInsertion {
    private let id: Event.ID
    private let arguments: [(any DatabaseValueConvertible)?]

    init(_ event: NewEvent) {
        let request = event.request
        id = event.id
        arguments = [
            event.kind.rawValue, event.platformEvent, request.receivedAt.iso8601, request.verdict.scheme,
            request.verdict.keyID, request.idempotencyKey, request.headersJSON,
            Data(event.bodyFingerprint.bytes), Data(event.envelopeFingerprint.bytes), Data(event.envelope),
            Data(request.body),
        ]
    }

    init(_ event: ImportedEvent) {
        id = event.id
        arguments = [
            event.kind.rawValue, event.platformEvent, event.receivedAt.iso8601, event.verification,
            event.keyID, event.idempotencyKey, event.headersJSON, Data(event.bodyFingerprint.bytes),
            Data(event.envelopeFingerprint.bytes), event.content.map { Data($0.envelope) },
            event.content.map { Data($0.body) },
        ]
    }

    /// Stores the row unless `source` already has an event with its idempotency key.
    ///
    /// - Returns: Whether it was stored.
    func run(source: Int64, in database: Database) throws -> Bool {
        try database.run(
            """
            INSERT INTO event (id, source_id, type, platform_event, received_at, verification, key_id,
                idempotency_key, headers, body_sha256, envelope_sha256, envelope, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?)
            ON CONFLICT (source_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
            """, [id.rawValue, source] + arguments)
        return database.changesCount > 0
    }

    /// Stores `event`, or finds the one that has its idempotency key and notes that it was delivered again.
    static func append(_ event: NewEvent, source: Int64, in database: Database) throws -> Appended {
        if try EventInsertion(event).run(source: source, in: database) { return .stored(event.id) }
        let row = try database.first(
            "SELECT seq, id, body_sha256 FROM event WHERE source_id = ? AND idempotency_key = ?",
            [source, event.request.idempotencyKey])
        guard let row, let first = Event.ID(row["id"] as String) else {
            throw StoreFailure.broken("An idempotency key is in its index but not in its table.")
        }
        guard event.request.mayComeChanged || row["body_sha256"] == Data(event.bodyFingerprint.bytes) else {
            return .conflict(first)
        }
        try database.run(
            """
            INSERT INTO duplicate (seq, count, first_at, last_at) VALUES (?1, 1, ?2, ?2)
            ON CONFLICT (seq) DO UPDATE SET count = count + 1, last_at = excluded.last_at
            """,
            [row["seq"] as Int64, event.request.receivedAt.iso8601])
        return .duplicate(first)
    }
}
