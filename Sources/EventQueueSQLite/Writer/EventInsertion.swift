import EventQueue
import Foundation
import GRDB

/// Stores rows of `event` within one transaction, wherever the events come from, and counts them for their sources.
///
/// Most of what the service does to the database is this statement, so it is found once a transaction, and its
/// values are read by SQLite where they lie. What that saves stands in <doc:WhatAnAppendCosts>.
struct EventInsertion {
    private let database: Database
    private let statement: Statement
    private var row = RowValues()
    /// The rows of the sources that were looked up so far.
    private(set) var sources: [Source.ID: Int64]
    /// How many events of each source were stored.
    private(set) var stored: [Source.ID: Int] = [:]

    /// - Parameter sources: Rows that are known from before.
    init(in database: Database, knowing sources: [Source.ID: Int64] = [:]) throws {
        self.database = database
        self.sources = sources
        statement = try database.cachedStatement(
            sql: """
                INSERT INTO event (source_id, id, type, platform_event, received_at, verification, key_id,
                    idempotency_key, headers, body_sha256, envelope_sha256, envelope, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (source_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
                """)
    }

    /// The row of a source, which is made when there is none.
    mutating func source(_ id: Source.ID) throws -> Int64 {
        if let known = sources[id] { return known }
        let row = try database.sourceRow(id, insertingIfMissing: true)
        sources[id] = row
        return row
    }

    /// Writes down how many were stored, once for each source.
    mutating func finish() throws {
        for (id, count) in stored {
            try database.run("UPDATE source SET events = events + ? WHERE id = ?", [count, try source(id)])
        }
    }

    /// Stores `event` unless its source already has an event with its idempotency key.
    ///
    /// - Returns: Whether it was stored.
    mutating func store(_ event: ImportedEvent) throws -> Bool {
        row.begin(with: try source(event.source))
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
        return try insertRow(of: event.source)
    }

    private mutating func store(_ event: NewEvent) throws -> Bool {
        let request = event.request
        row.begin(with: try source(event.source))
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
        return try insertRow(of: event.source)
    }

    private mutating func insertRow(of source: Source.ID) throws -> Bool {
        guard try row.insert(by: statement, in: database) else { return false }
        stored[source, default: 0] += 1
        return true
    }

    /// Stores `event`, or finds the one that has its idempotency key and notes that it was delivered again.
    mutating func append(_ event: NewEvent) throws -> Appended {
        if try store(event) { return .stored(event.id) }
        let row = try database.first(
            "SELECT seq, id, body_sha256 FROM event WHERE source_id = ? AND idempotency_key = ?",
            [try source(event.source), event.request.idempotencyKey])
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
