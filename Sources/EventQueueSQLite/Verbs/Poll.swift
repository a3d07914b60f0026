import EventQueue
import GRDB
import Logging

/// A poll in its transaction: looks up the facts, asks ``PollRule``, carries the decision out.
struct Poll {
    let request: PollRequest
    let lineage: Checkpoint.Lineage
    let onRegressed: PollRule.OnRegressed
    /// The name of the replay that is ordered when an earlier session turns out to have left doubt; `nil`
    /// where that waits for an operator.
    let automaticReplay: Replay.ID?
    let time: Timestamp
    let nonce: UInt64
    let logger: Logger

    func run(in database: Database) throws -> PollAnswer {
        var cursor = try CursorRow.findOrMake(request.cursor, start: .beginning, at: time, in: database)
        let session = try SessionRow.admit(request.session, to: cursor, in: database)
        let last = try BatchRow.last(of: cursor, in: database)
        let presented = try recognise(last, cursor, in: database)
        let facts = try facts(last, cursor, in: database)
        switch PollRule.decide(presented, facts) {
        case .refuse(let refusal):
            throw refusal
        case .resend:
            guard let last else { preconditionFailure("only an existing batch is sent again") }
            return try resend(last, to: session, of: cursor, in: database)
        case .advance:
            if let last, last.standing != .confirmed {
                let doubted = try Judge(cursor: cursor, time: time).confirm(
                    last, presentedIn: session, in: database)
                if doubted > 0, session != nil, let automaticReplay {
                    let replay = AutomaticReplay(
                        cursor: cursor, key: request.cursor, name: automaticReplay, time: time)
                    try replay.run(in: database)
                }
            }
            let made = try makeBatch(after: last, session: session, of: &cursor, in: database)
            if facts.resumeOrdered, made != nil || presented == last.map({ .batch($0.number, issued: true) }) {
                try ResumeRow.answer(cursor, at: time, in: database)
            }
            return made ?? PollAnswer(envelopes: [], checkpoint: last.map(checkpoint))
        case .goOn:
            if let last { try Judge(cursor: cursor, time: time).abandon(last, in: database) }
            let made = try makeBatch(after: last, session: session, of: &cursor, in: database)
            return PollAnswer(
                envelopes: made?.envelopes ?? [], checkpoint: made?.checkpoint ?? last.map(checkpoint),
                warning: .regressed)
        }
    }

    private func recognise(_ last: BatchRow?, _ cursor: CursorRow, in database: Database) throws
        -> PollRule.Presented
    {
        guard let text = request.checkpoint else { return .none }
        guard let presented = Checkpoint(text), presented.lineage == lineage,
            presented.isFor(request.cursor), presented.batch.rawValue >= 1
        else { return .foreign }
        if let last, presented.batch == last.number {
            return .batch(last.number, issued: presented.nonce == last.nonce)
        }
        let kept = try database.first(
            "SELECT nonce FROM batch WHERE cursor_id = ? AND number = ?", [cursor.id, presented.batch.rawValue])
        // Retention has removed an old batch with its events; the token says by itself that it was ours.
        let isIssued =
            kept.map { $0["nonce"] == Int64(bitPattern: presented.nonce) }
            ?? last.map { presented.batch < $0.number } ?? false
        return .batch(presented.batch, issued: isIssued)
    }

    private func facts(_ last: BatchRow?, _ cursor: CursorRow, in database: Database) throws
        -> PollRule.Facts
    {
        PollRule.Facts(
            last: last.map { ($0.number, $0.standing) },
            presentsOrigin: last.map { $0.origin == request.checkpoint } ?? false,
            resumeOrdered: try ResumeRow.isInForce(cursor, in: database),
            replaysWaiting: try database.count(
                """
                SELECT EXISTS (SELECT 1 FROM replay_event WHERE cursor_id = ? AND emission_no IS NULL)
                """, [cursor.id]) == 1,
            onRegressed: onRegressed)
    }

    private func checkpoint(_ batch: BatchRow) -> Checkpoint {
        Checkpoint(lineage: lineage, cursor: request.cursor, batch: batch.number, nonce: batch.nonce)
    }

    private func resend(_ batch: BatchRow, to session: Int64?, of cursor: CursorRow, in database: Database)
        throws -> PollAnswer
    {
        try database.run(
            "UPDATE batch SET sent = sent + 1, session_id = ? WHERE id = ?", [session, batch.id])
        let members = try Member.inBatch(batch.id, in: database)
        for member in members where member.isCorrupt {
            try Settle.markCorrupt(member.sequence, member.emission, of: cursor, at: time, in: database)
            logger.corruptEnvelope(member.eventID)
        }
        return PollAnswer(
            envelopes: members.filter { !$0.isCorrupt }.map(\.envelope), checkpoint: checkpoint(batch),
            resent: true)
    }

    /// Takes the next events, replays first, and makes them a batch; `nil` when there are none.
    private func makeBatch(
        after last: BatchRow?, session: Int64?, of cursor: inout CursorRow, in database: Database
    ) throws -> PollAnswer? {
        var selection = Selection(limit: request.limit)
        let position = cursor.position
        try selection.take(Member.replayed(cursor, limit: request.limit, in: database))
        while selection.hasRoom {
            let fresh = try Member.fresh(cursor, limit: selection.room, in: database)
            guard let end = selection.take(fresh) else {
                if fresh.isEmpty { try cursor.passThinned(in: database) }
                break
            }
            try cursor.pass(to: end, in: database)
        }
        try selection.recordCorrupt(of: cursor, at: time, in: database, logger)
        guard !selection.members.isEmpty else { return nil }

        let number = last?.number.next ?? Batch.Number(rawValue: 1)
        try database.run(
            """
            INSERT INTO batch (cursor_id, number, nonce, origin, session_id, drained_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                cursor.id, number.rawValue, Int64(bitPattern: nonce), request.checkpoint, session,
                time.iso8601,
            ])
        try selection.recordEmissions(batch: database.lastInsertedRowID, of: cursor, from: position, in: database)
        return PollAnswer(
            envelopes: selection.members.map(\.envelope),
            checkpoint: Checkpoint(lineage: lineage, cursor: request.cursor, batch: number, nonce: nonce))
    }
}
