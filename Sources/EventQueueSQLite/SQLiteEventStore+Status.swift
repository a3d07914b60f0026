public import EventQueue
import GRDB

extension SQLiteEventStore {
    public func status() async throws -> QueueStatus {
        return QueueStatus(
            sources: try await read { try Self.sources(in: $0) }, databaseBytes: DatabaseFile.size(file.path),
            walBytes: DatabaseFile.size(file.walPath), freeBytes: file.freeBytes)
    }

    public func state(of event: Event.ID, for consumer: Consumer.ID) async throws -> Event.State? {
        try await read { database in
            try database.first(
                "SELECT state FROM events WHERE id = ? AND (consumer = ? OR consumer IS NULL)",
                [event.rawValue, consumer.rawValue])?["state"] as String?
        }.flatMap(Event.State.init)
    }

    /// Every source and everybody who reads it.
    static func sources(in database: Database) throws -> [QueueStatus.SourceStatus] {
        try database.all("SELECT * FROM source ORDER BY name").compactMap { try sourceStatus($0, in: database) }
    }

    private static func sourceStatus(_ row: Row, in database: Database) throws -> QueueStatus.SourceStatus? {
        guard let id = Source.ID(row["name"] as String) else { return nil }
        let source: Int64 = row["id"]
        let events: Int = row["events"]
        // A database of the first version, which `doctor` looks at, has no such column.
        let pruned: Int = row["pruned"] ?? 0
        let last = try database.first(
            "SELECT received_at FROM event WHERE source_id = ? ORDER BY seq DESC LIMIT 1", [source])
        let cursors = try database.all(
            """
            SELECT cursor.id, consumer.name, cursor.position, cursor.passed FROM cursor
            JOIN consumer ON consumer.id = cursor.consumer_id
            WHERE cursor.source_id = ? ORDER BY consumer.name
            """, [source])
        return QueueStatus.SourceStatus(
            id: id, events: events, held: events - pruned,
            lastReceivedAt: last.flatMap { Timestamp(iso8601: $0["received_at"]) },
            quarantined: row["quarantined"], quarantineDropped: row["quarantine_dropped"],
            cursors: try cursors.compactMap {
                try cursorStatus($0, source: source, stored: events, in: database)
            })
    }

    private static func cursorStatus(_ row: Row, source: Int64, stored: Int, in database: Database) throws
        -> QueueStatus.CursorStatus?
    {
        guard let consumer = Consumer.ID(row["name"] as String) else { return nil }
        let cursor: Int64 = row["id"]
        let position: Int64 = row["position"]
        let tallies = try database.all(
            "SELECT state, events FROM tally WHERE cursor_id = ? AND events > 0", [cursor])
        var counts: [Event.State: Int] = [:]
        for tally in tallies {
            if let state = Event.State(rawValue: tally["state"]) { counts[state] = tally["events"] }
        }
        let pending = stored - (row["passed"] as Int)
        if pending > 0 { counts[.pending] = pending }
        let oldest = try database.first(
            "SELECT received_at FROM event WHERE source_id = ? AND seq > ? ORDER BY seq LIMIT 1",
            [source, position])
        let batch = try database.first(
            "SELECT max(number) AS number FROM batch WHERE cursor_id = ?", [cursor])
        return QueueStatus.CursorStatus(
            consumer: consumer, counts: counts,
            oldestPendingAt: oldest.flatMap { Timestamp(iso8601: $0["received_at"]) },
            position: Event.Sequence(rawValue: position),
            lastBatch: (batch?["number"] as Int64?).map(Batch.Number.init),
            session: try sessionStatus(cursor, in: database))
    }

    private static func sessionStatus(_ cursor: Int64, in database: Database) throws
        -> QueueStatus.SessionStatus?
    {
        let row = try database.first(
            "SELECT * FROM session WHERE cursor_id = ? ORDER BY id DESC LIMIT 1", [cursor])
        guard let row, let id = Session.ID(row["name"] as String),
            let opened = Timestamp(iso8601: row["opened_at"])
        else { return nil }
        return QueueStatus.SessionStatus(
            id: id, engine: row["engine"], settles: row["settles"], openedAt: opened,
            standing: row["ended_by"] ?? "open")
    }
}
