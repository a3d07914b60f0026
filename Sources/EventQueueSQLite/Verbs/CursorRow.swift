import EventQueue
import GRDB

/// A cursor as it is stored, and the rows that hang on it. All of it runs inside one transaction.
struct CursorRow {
    let id: Int64
    let source: Int64
    let startSequence: Int64
    var position: Int64

    /// The cursor of `key`; `nil` while its consumer has never read the source.
    ///
    /// - Throws: ``ProtocolRefusal/sourceUnknown``.
    static func find(_ key: EventQueue.Cursor.Key, in database: Database) throws -> CursorRow? {
        let source = try database.sourceRow(key.source)
        let row = try database.first(
            """
            SELECT cursor.id, start_seq, position FROM cursor
            JOIN consumer ON consumer.id = cursor.consumer_id
            WHERE consumer.name = ? AND cursor.source_id = ?
            """, [key.consumer.rawValue, source])
        return row.map {
            CursorRow(id: $0["id"], source: source, startSequence: $0["start_seq"], position: $0["position"])
        }
    }

    /// The cursor of `key`, made if it is missing.
    static func findOrMake(
        _ key: EventQueue.Cursor.Key, start: SessionRequest.Start, at time: Timestamp, in database: Database
    ) throws -> CursorRow {
        if let found = try find(key, in: database) { return found }
        try database.run(
            "INSERT INTO consumer (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [key.consumer.rawValue, time.iso8601])
        // A queue is read from its end by passing over all that is there, and from its beginning by passing
        // over what retention has deleted or thinned.
        try database.run(
            """
            INSERT INTO cursor (consumer_id, source_id, start_seq, position, passed, created_at)
            SELECT consumer.id, source.id, first.seq, first.seq, CASE WHEN ?1 THEN source.events ELSE source.pruned
                + (SELECT count(*) FROM event WHERE source_id = source.id AND seq <= first.seq) END, ?2
            FROM consumer, source, (SELECT CASE WHEN ?1 THEN (SELECT coalesce(max(seq), 0) FROM event)
                ELSE (SELECT thinned_through FROM source WHERE name = ?4) END AS seq) AS first
            WHERE consumer.name = ?3 AND source.name = ?4
            """, [start == .now, time.iso8601, key.consumer.rawValue, key.source.rawValue])
        guard let made = try find(key, in: database) else { throw ProtocolRefusal.sourceUnknown }
        return made
    }

    /// Moves `count` events from one state to another in the sums that `status` and `counts` show.
    ///
    /// - Parameters:
    ///   - from: `nil` for events that were pending or none of this consumer's.
    func tally(_ count: Int, from: Event.State?, to: Event.State, in database: Database) throws {
        guard count > 0 else { return }
        if let from {
            try database.run(
                "UPDATE tally SET events = events - ? WHERE cursor_id = ? AND state = ?",
                [count, id, from.rawValue])
        }
        try database.run(
            """
            INSERT INTO tally (cursor_id, state, events) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET events = events + excluded.events
            """, [id, to.rawValue, count])
    }

    /// Moves the position behind the events that have had their first emission now, and behind those among
    /// them that were thinned before this consumer came and have nothing left to emit.
    mutating func pass(to position: Int64, in database: Database) throws {
        try database.run(
            """
            UPDATE cursor SET position = ?1, passed = passed
                + (SELECT count(*) FROM event WHERE source_id = ?2 AND seq > ?3 AND seq <= ?1)
            WHERE id = ?4
            """, [position, source, self.position, id])
        self.position = position
    }

    /// Moves the position behind everything that is stored: what is left was thinned before this consumer came.
    mutating func passThinned(in database: Database) throws {
        let newest = try database.first("SELECT max(seq) AS seq FROM event WHERE source_id = ?", [source])
        guard let newest = newest?["seq"] as Int64?, newest > position else { return }
        try pass(to: newest, in: database)
    }
}

/// The last batch of a cursor.
struct BatchRow {
    let id: Int64
    let number: Batch.Number
    let nonce: UInt64
    let origin: String?
    let session: Int64?
    let standing: PollRule.Standing

    static func last(of cursor: CursorRow, in database: Database) throws -> BatchRow? {
        let row = try database.first(
            "SELECT * FROM batch WHERE cursor_id = ? ORDER BY number DESC LIMIT 1", [cursor.id])
        return row.map(BatchRow.init)
    }

    private init(_ row: Row) {
        id = row["id"]
        number = Batch.Number(rawValue: row["number"])
        nonce = UInt64(bitPattern: row["nonce"])
        origin = row["origin"]
        session = row["session_id"]
        let wasConfirmed = row["confirmed_at"] != nil as String?
        let wasAbandoned = row["abandoned_at"] != nil as String?
        standing = wasConfirmed ? .confirmed : wasAbandoned ? .abandoned : .outstanding
    }
}
