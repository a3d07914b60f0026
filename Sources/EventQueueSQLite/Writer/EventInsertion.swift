import EventQueue
import Foundation
import GRDB

/// Stores rows of `event` within one transaction, wherever the events come from.
///
/// Most of what the service does to the database is this statement, so it is found once a transaction, and its
/// values are read by SQLite where they lie. What that saves stands in <doc:WhatAnAppendCosts>.
struct EventInsertion {
    private let database: Database
    private let statement: Statement
    private var row = RowValues()

    init(in database: Database) throws {
        self.database = database
        statement = try database.cachedStatement(
            sql: """
                INSERT INTO event (source_id, id, type, platform_event, received_at, verification, key_id,
                    idempotency_key, headers, body_sha256, envelope_sha256, envelope, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (source_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
                """)
    }

    /// Stores `event` unless `source` already has an event with its idempotency key.
    ///
    /// - Returns: Whether it was stored.
    mutating func store(_ event: ImportedEvent, source: Int64) throws -> Bool {
        row.begin(with: source)
        row.text(event.id.rawValue)
        row.text(event.kind.rawValue)
        row.text(event.platformEvent)
        row.text(event.receivedAt.iso8601)
        row.text(event.verification)
        row.text(event.keyID)
        row.text(event.idempotencyKey)
        row.text(event.headersJSON)
        event.bodyFingerprint.withUnsafeBytes { row.blob($0) }
        event.envelopeFingerprint.withUnsafeBytes { row.blob($0) }
        row.text(utf8: event.content?.envelope)
        row.blob(event.content?.body)
        return try row.insert(by: statement, in: database)
    }

    private mutating func store(_ event: NewEvent, source: Int64) throws -> Bool {
        let request = event.request
        row.begin(with: source)
        row.text(event.id.rawValue)
        row.text(event.kind.rawValue)
        row.text(event.platformEvent)
        row.text(request.receivedAt.iso8601)
        row.text(request.verdict.scheme)
        row.text(request.verdict.keyID)
        row.text(request.idempotencyKey)
        row.text(request.headersJSON)
        event.bodyFingerprint.withUnsafeBytes { row.blob($0) }
        event.envelopeFingerprint.withUnsafeBytes { row.blob($0) }
        row.text(utf8: event.envelope)
        row.blob(request.body)
        return try row.insert(by: statement, in: database)
    }

    /// Stores `event`, or finds the one that has its idempotency key and notes that it was delivered again.
    mutating func append(_ event: NewEvent, source: Int64) throws -> Appended {
        if try store(event, source: source) { return .stored(event.id) }
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
