public import EventQueue
import Foundation
import GRDB

extension SQLiteEventStore {
    public func quarantine(_ rejected: RejectedRequest) async throws {
        let limits = configuration.limits
        try await write { database in
            let request = rejected.request
            let source = try database.sourceRow(rejected.source, insertingIfMissing: true)
            try database.run(
                """
                INSERT INTO quarantine (source_id, received_at, reason, detail, verification, key_id,
                    idempotency_key, headers, body_sha256, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    source, request.receivedAt.iso8601, rejected.rejection.code, rejected.rejection.detail,
                    request.verdict.scheme, request.verdict.keyID, request.idempotencyKey,
                    request.headersJSON, Data(Fingerprint(of: request.body).bytes), Data(request.body),
                ])
            try database.run(
                """
                UPDATE source SET quarantined = quarantined + 1, quarantined_bytes = quarantined_bytes + ?
                WHERE id = ?
                """, [request.body.count, source])
            while try Self.dropOldest(ifBeyond: limits, in: database) {}
        }
    }

    public func quarantined(
        of source: Source.ID?, after: Int64?, limit: Int
    ) async throws -> [QuarantinedRequest] {
        try await read { database in
            try database.all(
                """
                \(QuarantinedRequest.columns(body: "NULL")) WHERE quarantine.id > ?1 AND (?2 IS NULL OR source.name = ?2)
                ORDER BY quarantine.id LIMIT ?3
                """, [after ?? 0, source?.rawValue, limit]
            ).compactMap(QuarantinedRequest.init)
        }
    }

    public func quarantined(_ id: Int64) async throws -> QuarantinedRequest? {
        try await read { database in
            try database.first("\(QuarantinedRequest.columns(body: "body")) WHERE quarantine.id = ?", [id])
                .flatMap(QuarantinedRequest.init)
        }
    }

    public func release(_ id: Int64, as events: [NewEvent]) async throws -> [Appended]? {
        try await appendingAll(events) { database in try Self.remove(id, in: database) }
    }

    public func discard(_ id: Int64) async throws -> Bool {
        try await write { database in try Self.remove(id, in: database) }
    }

    /// Takes a request out and its share out of the counts.
    ///
    /// - Returns: Whether there was one.
    private static func remove(_ id: Int64, in database: Database) throws -> Bool {
        let row = try database.first("SELECT source_id, length(body) AS bytes FROM quarantine WHERE id = ?", [id])
        guard let row else { return false }
        try database.run("DELETE FROM quarantine WHERE id = ?", [id])
        try database.run(
            """
            UPDATE source SET quarantined = quarantined - 1, quarantined_bytes = quarantined_bytes - ? WHERE id = ?
            """, [row["bytes"] as Int, row["source_id"] as Int64])
        return true
    }

    /// Makes room for newer rejected requests, counting what is lost.
    private static func dropOldest(ifBeyond limits: Limits.Settings, in database: Database) throws -> Bool {
        let sums = try database.first(
            "SELECT sum(quarantined) AS kept, sum(quarantined_bytes) AS bytes FROM source")
        guard let sums, sums["kept"] > limits.quarantineRowsMax || sums["bytes"] > limits.quarantineBytesMax,
            let oldest = try database.first(
                "SELECT id, source_id FROM quarantine ORDER BY id LIMIT 1")
        else { return false }
        _ = try remove(oldest["id"], in: database)
        try database.run(
            "UPDATE source SET quarantine_dropped = quarantine_dropped + 1 WHERE id = ?", [oldest["source_id"] as Int64]
        )
        return true
    }
}

extension QuarantinedRequest {
    /// The question; a listing has no use for bodies, which may be many and large.
    fileprivate static func columns(body: String) -> String {
        """
        SELECT quarantine.id, received_at, reason, detail, verification, key_id, idempotency_key, headers,
            body_sha256, length(body) AS body_bytes, \(body) AS body, source.name AS source
        FROM quarantine JOIN source ON source.id = quarantine.source_id
        """
    }

    /// `nil` for a row whose source has a name that no source can have.
    fileprivate init?(_ row: Row) {
        guard let source = Source.ID(row["source"] as String) else { return nil }
        self.init(
            id: row["id"], source: source, receivedAt: row["received_at"], reason: row["reason"],
            detail: row["detail"], verification: row["verification"], keyID: row["key_id"],
            idempotencyKey: row["idempotency_key"], headersJSON: row["headers"],
            bodyFingerprint: Fingerprint(stored: Array(row["body_sha256"] as Data)), bodyBytes: row["body_bytes"],
            body: (row["body"] as Data?).map(Array.init))
    }
}
