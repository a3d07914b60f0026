import EventQueue
import GRDB

/// Records a replay and queues its events.
struct ReplayOrder {
    let order: Replay.Order
    let name: Replay.ID
    let cursor: CursorRow
    let time: Timestamp

    /// Which of the chosen events can be emitted again: kept ones that are neither queued nor in a batch
    /// that the protocol may still send, nor still to be handed over anyway.
    private static let isEligible = """
        event.envelope IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM replay_event AS waiting WHERE waiting.cursor_id = :cursor
            AND waiting.seq = event.seq AND waiting.emission_no IS NULL)
        AND NOT EXISTS (SELECT 1 FROM emission JOIN batch ON batch.id = emission.batch_id
            WHERE emission.seq = event.seq AND emission.cursor_id = :cursor
            AND batch.confirmed_at IS NULL AND batch.abandoned_at IS NULL)
        AND event.seq <= (SELECT position FROM cursor WHERE cursor.id = :cursor)
        """

    func run(in database: Database) throws -> Replay.Receipt {
        if let earlier = try findEarlier(in: database) { return earlier }
        let (condition, arguments) = try chosen(in: database)
        let all = arguments + ["cursor": cursor.id, "source": cursor.source]
        let total = try number(
            "SELECT count(*) FROM event WHERE event.source_id = :source AND \(condition)", all, database)
        let eligible = "event.source_id = :source AND \(condition) AND \(Self.isEligible)"
        let events = try number("SELECT count(*) FROM event WHERE \(eligible)", all, database)
        guard events > 0 else { throw ProtocolRefusal.nothingToReplay }
        let preview = try String.fetchAll(
            database,
            sql: "SELECT id FROM event WHERE \(eligible) ORDER BY seq LIMIT \(Limits.replayPreviewMax)",
            arguments: all)
        if !order.dryRun { try record(events, total - events, eligible, all, in: database) }
        return Replay.Receipt(
            id: order.dryRun ? nil : name, events: events, skipped: total - events,
            preview: preview.compactMap { Event.ID($0) })
    }

    /// An order that is sent twice is one order.
    private func findEarlier(in database: Database) throws -> Replay.Receipt? {
        guard let key = order.idempotencyKey,
            let row = try database.first("SELECT * FROM replay WHERE idempotency_key = ?", [key])
        else { return nil }
        guard row["cursor_id"] == cursor.id, row["actor"] == order.actor, row["reason"] == order.reason,
            row["selection"] == order.selection.recorded
        else { throw ProtocolRefusal.idempotencyConflict }
        return Replay.Receipt(
            id: Replay.ID(row["name"] as String), events: row["events"], skipped: row["skipped"], preview: [])
    }

    /// The selection as a condition on `event`.
    private func chosen(in database: Database) throws -> (String, StatementArguments) {
        switch order.selection {
        case .events(let ids):
            let list = Replay.Selection.list(ids)
            let named = "event.id IN (SELECT value FROM json_each(:ids))"
            let known = try number(
                "SELECT count(*) FROM event WHERE event.source_id = :source AND \(named)",
                ["source": cursor.source, "ids": list], database)
            guard known == Set(ids).count else { throw ProtocolRefusal.eventUnknown }
            return (named, ["ids": list])
        case .inDoubt:
            return (
                """
                event.seq IN (SELECT emission.seq FROM emission WHERE emission.cursor_id = :cursor
                    AND in_doubt_at IS NOT NULL AND outcome IS NULL AND \(Judge.isCurrent))
                """, [:]
            )
        case .sequences(let range):
            return (
                "event.seq BETWEEN :first AND :last",
                ["first": range.lowerBound.rawValue, "last": range.upperBound.rawValue]
            )
        case .received(let range):
            return (
                "event.received_at >= :since AND event.received_at < :until",
                ["since": range.lowerBound.iso8601, "until": range.upperBound.iso8601]
            )
        case .batch(let batch):
            return (
                """
                event.seq IN (SELECT emission.seq FROM batch JOIN emission ON emission.batch_id = batch.id
                    WHERE batch.cursor_id = :cursor AND batch.number = :batch)
                """, ["batch": batch.rawValue]
            )
        }
    }

    private func record(
        _ events: Int, _ skipped: Int, _ eligible: String, _ arguments: StatementArguments,
        in database: Database
    ) throws {
        let states = try Row.fetchAll(
            database,
            sql: """
                SELECT state, count(*) AS events FROM (
                    SELECT CASE WHEN emission.outcome IS NOT NULL THEN emission.outcome
                        WHEN emission.in_doubt_at IS NOT NULL THEN 'in_doubt'
                        WHEN emission.seq IS NOT NULL THEN 'confirmed' END AS state
                    FROM event LEFT JOIN emission ON emission.seq = event.seq
                        AND emission.cursor_id = :cursor AND \(Judge.isCurrent)
                    WHERE \(eligible))
                GROUP BY state
                """, arguments: arguments)
        try database.run(
            """
            INSERT INTO replay (name, cursor_id, actor, reason, requested_at, selection, events, skipped,
                idempotency_key)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                name.rawValue, cursor.id, order.actor, order.reason, time.iso8601, order.selection.recorded,
                events, skipped, order.idempotencyKey,
            ])
        let replay = database.lastInsertedRowID
        try database.execute(
            sql: """
                INSERT INTO replay_event (seq, replay_id, cursor_id)
                SELECT event.seq, :replay, :cursor FROM event WHERE \(eligible)
                """, arguments: arguments + ["replay": replay])
        for row in states {
            let state = (row["state"] as String?).flatMap(Event.State.init)
            try cursor.tally(row["events"], from: state, to: .replaying, in: database)
        }
    }

    private func number(_ sql: String, _ arguments: StatementArguments, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: sql, arguments: arguments) ?? 0
    }
}

extension Replay.Selection {
    /// The selection as JSON, for the record.
    var recorded: String {
        switch self {
        case .events(let ids): #"{"event_ids":\#(Self.list(ids))}"#
        case .inDoubt: #"{"state":"in_doubt"}"#
        case .sequences(let range): #"{"from_seq":\#(range.lowerBound),"to_seq":\#(range.upperBound)}"#
        case .received(let range): #"{"since":"\#(range.lowerBound)","until":"\#(range.upperBound)"}"#
        case .batch(let number): #"{"batch":\#(number)}"#
        }
    }

    /// The ids as a JSON array: SQLite takes any number of them as one argument.
    fileprivate static func list(_ ids: [Event.ID]) -> String {
        var json = JSONBytes()
        json.array(ids) { $0.string($1.rawValue) }
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
