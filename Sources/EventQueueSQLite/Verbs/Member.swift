import EventQueue
import GRDB
import GRDBSQLite
import Logging

/// One event on its way into a batch.
struct Member {
    let sequence: Int64
    let eventID: String
    /// Its number among the event's emissions to this consumer.
    let emission: Int
    /// The row of the replay that orders it, if one does.
    let replay: Int64?
    /// What is sent; empty when the stored bytes do not have their hash any more.
    let envelope: [UInt8]

    var isCorrupt: Bool { envelope.isEmpty }

    /// The next events that have never been emitted, in `seq` order (I6).
    static func fresh(_ cursor: CursorRow, limit: Int, in database: Database) throws -> [Member] {
        try all(
            """
            SELECT seq, id, 1, envelope, envelope_sha256, NULL, NULL, NULL
            FROM event WHERE source_id = ? AND seq > ? AND envelope IS NOT NULL ORDER BY seq LIMIT ?
            """, [cursor.source, cursor.position, limit], in: database)
    }

    /// The events that wait to be emitted again, in `seq` order.
    static func replayed(_ cursor: CursorRow, limit: Int, in database: Database) throws -> [Member] {
        try all(
            """
            SELECT event.seq, event.id,
                (SELECT coalesce(max(emission_no), 0) + 1 FROM emission
                    WHERE emission.seq = event.seq AND emission.cursor_id = waiting.cursor_id),
                event.envelope, event.envelope_sha256, replay.id, replay.name, replay.reason
            FROM replay_event AS waiting
            JOIN event ON event.seq = waiting.seq
            JOIN replay ON replay.id = waiting.replay_id
            WHERE waiting.cursor_id = ? AND waiting.emission_no IS NULL
            ORDER BY waiting.seq LIMIT ?
            """, [cursor.id, limit], in: database)
    }

    /// The members of a batch, in the order in which they were sent.
    static func inBatch(_ batch: Int64, in database: Database) throws -> [Member] {
        try all(
            """
            SELECT event.seq, event.id, emission.emission_no, event.envelope,
                event.envelope_sha256, replay.id, replay.name, replay.reason
            FROM emission
            JOIN event ON event.seq = emission.seq
            LEFT JOIN replay ON replay.id = emission.replay_id
            WHERE emission.batch_id = ?
            ORDER BY replay.id IS NULL, event.seq
            """, [batch], in: database)
    }

    /// Each row is read where SQLite has it, by place: there are up to a thousand, and a copy of each with its names
    /// looked up is what a poll can do without.
    private static func all(
        _ sql: String, _ arguments: [any DatabaseValueConvertible], in database: Database
    ) throws -> [Member] {
        let statement = try database.cachedStatement(sql: sql)
        let rows = try Row.fetchCursor(statement, arguments: StatementArguments(arguments))
        var members: [Member] = []
        while let row = try rows.next() { members.append(Member(row, of: statement.sqliteStatement)) }
        return members
    }

    /// - Parameters:
    ///   - row: `seq`, `id`, emission number, envelope, its hash, and the replay's row, name and reason.
    ///   - statement: What the row is the current one of.
    private init(_ row: Row, of statement: SQLiteStatement) {
        sequence = row[0]
        eventID = row[1]
        emission = row[2]
        replay = row[5]
        let stored = [UInt8](Self.bytes(of: statement, at: 3))
        guard Fingerprint(stored: Self.bytes(of: statement, at: 4)) == Fingerprint(of: stored) else {
            envelope = []
            return
        }
        guard let name: String = row[6], let id = Replay.ID(name) else {
            envelope = stored
            return
        }
        envelope = EventQueue.envelope(stored, withReplay: id, emission: emission, reason: row[7])
    }

    /// The bytes of a column as SQLite has them, until the statement goes on; none for NULL. A text's are its UTF-8.
    private static func bytes(of statement: SQLiteStatement, at column: CInt) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }
}

/// The events that a poll takes, within its limits.
struct Selection {
    private(set) var members: [Member] = []
    private var corrupt: [Member] = []
    private let limit: Int
    private var bytes = 0
    private var isFull = false

    init(limit: Int) { self.limit = limit }

    var room: Int { limit - members.count }
    var hasRoom: Bool { room > 0 && !isFull }

    /// Takes as many of `candidates` as fit; at least one, however large it is.
    ///
    /// - Returns: The sequence of the last one taken; `nil` when none was.
    @discardableResult
    mutating func take(_ candidates: [Member]) -> Int64? {
        var end: Int64?
        for candidate in candidates where !isFull {
            guard bytes + candidate.envelope.count <= Limits.batchBytesMax || members.isEmpty else {
                isFull = true
                break
            }
            bytes += candidate.envelope.count
            if candidate.isCorrupt { corrupt.append(candidate) } else { members.append(candidate) }
            end = candidate.sequence
        }
        return end
    }

    /// Gives every member its emission in the batch.
    ///
    /// - Parameter position: That of the cursor before the first of them was taken.
    func recordEmissions(
        batch: Int64, of cursor: CursorRow, from position: Int64, in database: Database
    ) throws {
        let fresh = members.filter { $0.replay == nil }
        if corrupt.isEmpty, !fresh.isEmpty {
            try Self.insertEmissions(fresh, batch: batch, of: cursor, from: position, in: database)
        } else {
            for member in fresh { try Self.insertEmission(member, batch: batch, of: cursor, in: database) }
        }
        for member in members where member.replay != nil {
            try Self.insertEmission(member, batch: batch, of: cursor, in: database)
        }
        let replays = members.count { $0.replay != nil }
        try cursor.tally(replays, from: .replaying, to: .drained, in: database)
        try cursor.tally(members.count - replays, from: nil, to: .drained, in: database)
    }

    /// Gives every event whose envelope is not what was stored an emission that failed and was never sent.
    func recordCorrupt(of cursor: CursorRow, at time: Timestamp, in database: Database, _ logger: Logger)
        throws
    {
        for member in corrupt {
            try Self.insertEmission(member, batch: nil, failedAt: time, of: cursor, in: database)
            let from: Event.State? = member.replay == nil ? nil : .replaying
            try cursor.tally(1, from: from, to: .failed, in: database)
            logger.corruptEnvelope(member.eventID)
        }
    }

    /// Records the first emission of all that the cursor passed, which are `fresh`, in one statement: a third of what
    /// one for each takes.
    private static func insertEmissions(
        _ fresh: [Member], batch: Int64, of cursor: CursorRow, from position: Int64, in database: Database
    ) throws {
        try database.run(
            """
            INSERT INTO emission (seq, cursor_id, emission_no, batch_id)
            SELECT seq, ?, 1, ? FROM event
            WHERE source_id = ? AND seq > ? AND seq <= ? AND envelope IS NOT NULL
            """, [cursor.id, batch, cursor.source, position, cursor.position])
        // Both statements have read the same rows, unless an index does not have what its table has.
        guard database.changesCount == fresh.count else {
            throw StoreFailure.damaged(
                "An index of the database disagrees with its table. Stop the service and restore the last backup.")
        }
    }

    private static func insertEmission(
        _ member: Member, batch: Int64?, failedAt: Timestamp? = nil, of cursor: CursorRow,
        in database: Database
    ) throws {
        let outcome = failedAt.map { _ in Outcome.failed.rawValue }
        try database.run(
            """
            INSERT INTO emission (seq, cursor_id, emission_no, batch_id, replay_id, outcome, detail,
                settled_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                member.sequence, cursor.id, member.emission, batch, member.replay, outcome,
                failedAt.map { _ in Settle.corruptEnvelope }, failedAt?.iso8601,
            ])
        guard let replay = member.replay else { return }
        try database.run(
            "UPDATE replay_event SET emission_no = ? WHERE seq = ? AND replay_id = ?",
            [member.emission, member.sequence, replay])
    }
}
