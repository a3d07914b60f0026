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
            // A misspelt name would look like "nothing there".
            if let source { _ = try database.sourceRow(source) }
            return try database.all(
                """
                \(QuarantinedRequest.question(body: "NULL")) WHERE quarantine.id > ?1 AND (?2 IS NULL OR source.name = ?2)
                ORDER BY quarantine.id LIMIT ?3
                """, [after ?? 0, source?.rawValue, limit]
            ).compactMap(QuarantinedRequest.init)
        }
    }

    public func quarantined(_ id: Int64) async throws -> QuarantinedRequest? {
        try await read { database in
            try database.first("\(QuarantinedRequest.question(body: "body")) WHERE quarantine.id = ?", [id])
                .flatMap(QuarantinedRequest.init)
        }
    }

    public func release(_ order: QuarantinedRequest.Retry, as events: [NewEvent]) async throws -> [Appended]? {
        let time = clock()
        return try await appending(events) { database in
            guard let kept = try KeptRow.find(order.request, in: database) else { return nil }
            try kept.remove(in: database)
            let results = try Self.append(events, in: database)
            try kept.record(order, as: results, at: time, in: database)
            return results
        }
    }

    public func refuse(
        _ order: QuarantinedRequest.Retry, as refusal: QuarantinedRequest.Refusal
    ) async throws -> Bool {
        let time = clock()
        return try await write { database in
            guard let kept = try KeptRow.find(order.request, in: database) else { return false }
            try kept.keep(as: refusal, in: database)
            try kept.record(order, as: refusal, at: time, in: database)
            return true
        }
    }

    public func discard(_ order: QuarantinedRequest.Discard) async throws -> Bool {
        let time = clock()
        return try await write { database in
            guard let kept = try KeptRow.find(order.request, in: database) else { return false }
            try kept.remove(in: database)
            try kept.record(order, at: time, in: database)
            return true
        }
    }

    public func quarantineOrders(about request: Int64) async throws -> [QuarantinedRequest.Order] {
        try await read { database in
            try database.all("SELECT * FROM quarantine_order WHERE quarantine_id = ? ORDER BY id", [request])
                .compactMap(QuarantinedRequest.Order.init)
        }
    }

    /// Makes room for newer rejected requests, counting what is lost.
    private static func dropOldest(ifBeyond limits: Limits.Settings, in database: Database) throws -> Bool {
        let sums = try database.first(
            "SELECT sum(quarantined) AS kept, sum(quarantined_bytes) AS bytes FROM source")
        guard let sums, sums["kept"] > limits.quarantineRowsMax || sums["bytes"] > limits.quarantineBytesMax,
            let first = try database.first("SELECT min(id) AS id FROM quarantine"),
            let oldest = try (first["id"] as Int64?).flatMap({ try KeptRow.find($0, in: database) })
        else { return false }
        try oldest.remove(in: database)
        try database.run(
            "UPDATE source SET quarantine_dropped = quarantine_dropped + 1 WHERE id = ?", [oldest.source])
        return true
    }
}

extension QuarantinedRequest {
    /// A listing has no use for bodies, which may be many and large.
    fileprivate static func question(body: String) -> String {
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
