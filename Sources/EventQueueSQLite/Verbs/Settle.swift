import EventQueue
import GRDB

/// Records outcomes of emissions (S2).
struct Settle {
    /// The detail of an emission whose envelope no longer has its hash.
    static let corruptEnvelope = "corrupt_envelope"

    let cursor: CursorRow
    /// The session that was handed the events; `nil` means each one's latest emission.
    let session: Int64?
    let time: Timestamp

    func run(_ reports: [OutcomeReport], in database: Database) throws -> Settlement {
        var settled = 0
        var unknown: [String] = []
        for report in reports {
            guard let emission = try find(report.eventID, in: database) else {
                unknown.append(report.eventID)
                continue
            }
            // The first outcome wins.
            guard emission["outcome"] == nil as String? else { continue }
            try record(report, emission, in: database)
            settled += 1
        }
        if let session {
            try database.run("UPDATE session SET settles = 1 WHERE id = ? AND settles = 0", [session])
        }
        return Settlement(settled: settled, unknown: unknown)
    }

    /// The longest beginning of `text` that fits, ending on a character boundary.
    static func cut(_ text: String) -> String {
        guard text.utf8.count > Limits.detailLengthMax else { return text }
        var kept = text.prefix(Limits.detailLengthMax)
        while kept.utf8.count > Limits.detailLengthMax { kept.removeLast() }
        return String(kept)
    }

    /// Fails an emission of an outstanding batch that cannot be sent again as it was.
    static func markCorrupt(
        _ sequence: Int64, _ emission: Int, of cursor: CursorRow, at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            """
            UPDATE emission SET outcome = 'failed', detail = ?, settled_at = ?
            WHERE seq = ? AND cursor_id = ? AND emission_no = ? AND outcome IS NULL
            """, [corruptEnvelope, time.iso8601, sequence, cursor.id, emission])
        try cursor.tally(database.changesCount, from: .drained, to: .failed, in: database)
    }

    private func find(_ event: String, in database: Database) throws -> Row? {
        try database.first(
            """
            SELECT emission.seq, emission.emission_no, emission.outcome, emission.in_doubt_at,
                batch.confirmed_at, (\(Judge.isCurrent)) AS is_current
            FROM event
            JOIN emission ON emission.seq = event.seq AND emission.cursor_id = ?1
            LEFT JOIN batch ON batch.id = emission.batch_id
            WHERE event.id = ?2 AND (?3 IS NULL OR batch.session_id = ?3)
            ORDER BY emission.emission_no DESC LIMIT 1
            """, [cursor.id, event, session])
    }

    private func record(_ report: OutcomeReport, _ emission: Row, in database: Database) throws {
        try database.run(
            """
            UPDATE emission SET outcome = ?, detail = ?, settled_at = ?
            WHERE seq = ? AND cursor_id = ? AND emission_no = ?
            """,
            [
                report.outcome.rawValue, report.detail.map(Self.cut), time.iso8601, emission["seq"] as Int64,
                cursor.id, emission["emission_no"] as Int,
            ])
        guard emission["is_current"] else { return }
        let isInDoubt = emission["in_doubt_at"] != nil as String?
        let isConfirmed = emission["confirmed_at"] != nil as String?
        let state: Event.State = isInDoubt ? .inDoubt : isConfirmed ? .confirmed : .drained
        try cursor.tally(1, from: state, to: report.outcome.state, in: database)
    }
}
