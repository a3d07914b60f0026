public import EventQueue
import GRDB

/// The history of secrets: which ones the sources were configured with, and when.
extension SQLiteEventStore {
    @discardableResult
    public func recordSecrets(_ uses: [Secret.Use]) async throws -> Secret.Changes {
        let time = clock()
        return try await write { database in
            let recorded = try database.all(
                "\(SecretRow.question) WHERE secret_drop.secret_id IS NULL ORDER BY secret.id"
            )
            .compactMap(SecretRow.init)
            let wanted = Self.once(uses)
            var changes = Secret.Changes()
            for row in recorded where !wanted.contains(row.period.use) {
                try database.run(
                    "INSERT INTO secret_drop (secret_id, dropped_at) VALUES (?, ?)", [row.id, time.iso8601])
                changes.dropped.append(row.period.use)
            }
            let known = Set(recorded.map(\.period.use))
            for use in wanted where !known.contains(use) {
                try database.run(
                    "INSERT INTO secret (source_id, key_id, scheme, configured_at) VALUES (?, ?, ?, ?)",
                    [
                        database.sourceRow(use.source, insertingIfMissing: true), use.keyID, use.scheme,
                        time.iso8601,
                    ])
                changes.configured.append(use)
            }
            return changes
        }
    }

    public func secretHistory() async throws -> [Secret.Period] {
        try await read { try Self.secretHistory(in: $0) }
    }

    /// What is recorded in a database; nothing in one that cannot record it yet.
    static func secretHistory(in database: Database) throws -> [Secret.Period] {
        guard try database.hasColumn("configured_at", in: "secret") else { return [] }
        return try database.all("\(SecretRow.question) ORDER BY secret.id").compactMap { SecretRow($0)?.period }
    }

    /// Who configures a secret twice means one.
    private static func once(_ uses: [Secret.Use]) -> [Secret.Use] {
        var seen: Set<Secret.Use> = []
        return uses.filter { seen.insert($0).inserted }
    }
}

/// A row of `secret`, with when it was dropped. `verify` reads it of files that may be damaged, too.
private struct SecretRow {
    static let question = """
        SELECT secret.id, source.name, key_id, scheme, configured_at, dropped_at
        FROM secret JOIN source ON source.id = secret.source_id
        LEFT JOIN secret_drop ON secret_drop.secret_id = secret.id
        """

    let id: Int64
    let period: Secret.Period

    /// `nil` for a row with values that nobody recorded.
    init?(_ row: Row) {
        guard let id = row.integer(0), let source = row.text(1).flatMap({ Source.ID($0) }), let keyID = row.text(2),
            let scheme = row.text(3), let configuredAt = row.text(4).flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        self.id = id
        period = Secret.Period(
            use: Secret.Use(source: source, keyID: keyID, scheme: scheme), configuredAt: configuredAt,
            droppedAt: row.text(5).flatMap { Timestamp(iso8601: $0) })
    }
}
