import EventQueue
import GRDB

/// Decides what became of a batch: confirmed, abandoned, and which of its events are in doubt (S3).
struct Judge {
    let cursor: CursorRow
    let time: Timestamp

    /// An emission of this name is the one that decides its event's state.
    static let isCurrent = """
        NOT EXISTS (SELECT 1 FROM emission AS later WHERE later.seq = emission.seq
            AND later.cursor_id = emission.cursor_id AND later.emission_no > emission.emission_no)
        AND NOT EXISTS (SELECT 1 FROM replay_event AS waiting WHERE waiting.cursor_id = emission.cursor_id
            AND waiting.seq = emission.seq AND waiting.emission_no IS NULL)
        """

    /// Somebody presented the batch's checkpoint, so it was saved.
    ///
    /// - Returns: How many of its events are in doubt, because an earlier session was handed them.
    func confirm(_ batch: BatchRow, presentedIn session: Int64?, in database: Database) throws -> Int {
        try database.run("UPDATE batch SET confirmed_at = ? WHERE id = ?", [time.iso8601, batch.id])
        let unsettled = try database.count(
            "SELECT count(*) FROM emission WHERE batch_id = ? AND outcome IS NULL AND in_doubt_at IS NULL",
            [batch.id])
        try cursor.tally(unsettled, from: .drained, to: .confirmed, in: database)
        // Another session than the one that was handed it: that one ended without finishing, as far as
        // anybody can tell, unless it never settles and closed in good order.
        guard let handedTo = batch.session, handedTo != session,
            try SessionRow.leavesDoubt(handedTo, in: database)
        else { return 0 }
        return try doubt(batch.id, from: .confirmed, in: database)
    }

    /// A caller regressed past the batch: it is never sent again, and what it left unfinished is in doubt.
    func abandon(_ batch: BatchRow, in database: Database) throws {
        if batch.standing == .outstanding {
            try database.run("UPDATE batch SET abandoned_at = ? WHERE id = ?", [time.iso8601, batch.id])
        }
        let from: Event.State = batch.standing == .confirmed ? .confirmed : .drained
        try doubt(batch.id, from: from, in: database)
    }

    /// Declares the unsettled events of a batch in doubt, but for those that retention has thinned meanwhile:
    /// nothing could be replayed that would end their doubt.
    ///
    /// - Returns: How many became so.
    @discardableResult
    func doubt(_ batch: Int64, from state: Event.State, in database: Database) throws -> Int {
        try database.run(
            """
            UPDATE emission SET in_doubt_at = ?
            WHERE batch_id = ? AND outcome IS NULL AND in_doubt_at IS NULL AND \(Self.isCurrent)
                AND EXISTS (SELECT 1 FROM event WHERE event.seq = emission.seq AND envelope IS NOT NULL)
            """, [time.iso8601, batch])
        let count = database.changesCount
        try cursor.tally(count, from: state, to: .inDoubt, in: database)
        try database.run("UPDATE batch SET judged_at = ? WHERE id = ?", [time.iso8601, batch])
        return count
    }
}
