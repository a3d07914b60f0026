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

    /// Makes room for newer rejected requests, counting what is lost.
    private static func dropOldest(ifBeyond limits: Limits.Settings, in database: Database) throws -> Bool {
        let sums = try database.first(
            "SELECT sum(quarantined) AS kept, sum(quarantined_bytes) AS bytes FROM source")
        guard let sums, sums["kept"] > limits.quarantineRowsMax || sums["bytes"] > limits.quarantineBytesMax,
            let oldest = try database.first(
                "SELECT id, source_id, length(body) AS bytes FROM quarantine ORDER BY id LIMIT 1")
        else { return false }
        try database.run("DELETE FROM quarantine WHERE id = ?", [oldest["id"] as Int64])
        try database.run(
            """
            UPDATE source SET quarantined = quarantined - 1, quarantined_bytes = quarantined_bytes - ?,
                quarantine_dropped = quarantine_dropped + 1
            WHERE id = ?
            """, [oldest["bytes"] as Int, oldest["source_id"] as Int64])
        return true
    }
}
