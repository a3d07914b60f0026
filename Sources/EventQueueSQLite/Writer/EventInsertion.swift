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
}
