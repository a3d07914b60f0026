import EventQueue
import GRDB

/// The sessions of a cursor.
enum SessionRow {
    /// Lets a caller in, or says why not (S1).
    ///
    /// - Returns: The row of its session; `nil` for a plain caller.
    static func admit(_ session: Session.ID?, to cursor: CursorRow, in database: Database) throws -> Int64? {
        guard let session else {
            guard try open(of: cursor, in: database) == nil else { throw ProtocolRefusal.sessionRequired }
            return nil
        }
        guard let row = try find(session, of: cursor, in: database) else {
            throw ProtocolRefusal.sessionUnknown
        }
        switch row["ended_by"] as String? {
        case nil: return row["id"]
        case "closed": throw ProtocolRefusal.sessionClosed
        default: throw ProtocolRefusal.sessionFenced
        }
    }

    static func find(_ session: Session.ID, of cursor: CursorRow, in database: Database) throws -> Row? {
        try database.first(
            "SELECT id, settles, ended_by FROM session WHERE name = ? AND cursor_id = ?",
            [session.rawValue, cursor.id])
    }

    static func open(of cursor: CursorRow, in database: Database) throws -> Row? {
        try database.first(
            "SELECT id, settles, ended_by FROM session WHERE cursor_id = ? AND ended_at IS NULL", [cursor.id])
    }

    /// Opens `name` and fences whichever session is open.
    static func open(
        _ name: Session.ID, _ request: SessionRequest, of cursor: CursorRow, at time: Timestamp,
        in database: Database
    ) throws {
        if let before = try open(of: cursor, in: database) {
            try end(before["id"], by: "fenced", of: cursor, at: time, in: database)
        }
        try database.run(
            "INSERT INTO session (name, cursor_id, engine, settles, opened_at) VALUES (?, ?, ?, ?, ?)",
            [name.rawValue, cursor.id, request.engine, request.settles, time.iso8601])
    }

    /// Ends a session and judges what it leaves unsettled in confirmed batches.
    static func end(
        _ session: Int64, by cause: String, of cursor: CursorRow, at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            "UPDATE session SET ended_at = ?, ended_by = ? WHERE id = ?", [time.iso8601, cause, session])
        guard try leavesDoubt(session, in: database) else { return }
        let settles = try database.count("SELECT settles FROM session WHERE id = ?", [session]) == 1
        // A session that reports outcomes vouches for all it was handed, another for its last batch only.
        let batches = try database.all(
            """
            SELECT id FROM batch WHERE session_id = ?1 AND judged_at IS NULL AND confirmed_at IS NOT NULL
                AND (?2 OR number = (SELECT max(number) FROM batch WHERE session_id = ?1))
            """, [session, settles])
        for batch in batches {
            try Judge(cursor: cursor, time: time).doubt(batch["id"], from: .confirmed, in: database)
        }
    }

    /// Whether an ended session may have left events unfinished without a word.
    static func leavesDoubt(_ session: Int64, in database: Database) throws -> Bool {
        try database.count(
            "SELECT settles OR coalesce(ended_by = 'fenced', 0) FROM session WHERE id = ?", [session]) == 1
    }
}

/// The resume orders of a cursor.
enum ResumeRow {
    /// Whether one waits for the next poll.
    static func isInForce(_ cursor: CursorRow, in database: Database) throws -> Bool {
        try database.count(
            "SELECT EXISTS (SELECT 1 FROM resume WHERE cursor_id = ? AND answered_at IS NULL)",
            [cursor.id]) == 1
    }

    /// Notes that a poll was answered under it.
    static func answer(_ cursor: CursorRow, at time: Timestamp, in database: Database) throws {
        try database.run(
            "UPDATE resume SET answered_at = ? WHERE cursor_id = ? AND answered_at IS NULL",
            [time.iso8601, cursor.id])
    }

    /// Records `order` and passes over what it says.
    ///
    /// - Returns: How many events were passed over.
    static func record(_ order: ResumeOrder, of cursor: CursorRow, at time: Timestamp, in database: Database)
        throws -> Int
    {
        let passed = try order.skipThrough.map {
            try skip(through: $0, order.reason, of: cursor, at: time, in: database)
        }
        try database.run(
            """
            INSERT INTO resume (cursor_id, actor, reason, ordered_at, skip_through, passed_over)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                cursor.id, order.actor, order.reason, time.iso8601, order.skipThrough?.rawValue, passed ?? 0,
            ])
        return passed ?? 0
    }

    private static func skip(
        through event: Event.ID, _ reason: String, of cursor: CursorRow, at time: Timestamp,
        in database: Database
    ) throws -> Int {
        let found = try database.first(
            "SELECT seq FROM event WHERE id = ? AND source_id = ?", [event.rawValue, cursor.source])
        guard let end = found?["seq"] as Int64? else { throw ProtocolRefusal.eventUnknown }
        guard end > cursor.position else { return 0 }
        try database.run(
            """
            INSERT INTO emission (seq, cursor_id, emission_no, outcome, detail, settled_at)
            SELECT seq, ?, 1, 'dropped', ?, ? FROM event WHERE source_id = ? AND seq > ? AND seq <= ?
            """, [cursor.id, Settle.cut(reason), time.iso8601, cursor.source, cursor.position, end])
        let count = database.changesCount
        var moved = cursor
        try moved.pass(to: end, in: database)
        try cursor.tally(count, from: nil, to: .dropped, in: database)
        return count
    }
}
