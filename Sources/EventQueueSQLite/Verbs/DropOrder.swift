import EventQueue
import GRDB

/// Forgets a consumer: what it was handed stays on record, and nothing waits for it any more.
struct DropOrder {
    let order: ConsumerDrop
    let time: Timestamp

    func run(in database: Database) throws -> ConsumerDrop.Receipt {
        guard let row = try database.first("SELECT id FROM consumer WHERE name = ?", [order.consumer.rawValue])
        else { throw ProtocolRefusal.consumerUnknown }
        let consumer: Int64 = row["id"]
        if order.openSession == .refuse { try refuseOpenSession(of: consumer, in: database) }
        let cursors = try database.all(
            """
            SELECT cursor.id, source.events - cursor.passed AS pending,
                coalesce((SELECT sum(events) FROM tally WHERE cursor_id = cursor.id
                    AND state IN ('drained', 'in_doubt', 'replaying')), 0) AS unfinished
            FROM cursor JOIN source ON source.id = cursor.source_id WHERE consumer_id = ?
            """, [consumer])
        let receipt = ConsumerDrop.Receipt(
            sources: cursors.count, pending: cursors.reduce(0) { $0 + ($1["pending"] as Int) },
            unfinished: cursors.reduce(0) { $0 + ($1["unfinished"] as Int) })
        try record(receipt, consumer, in: database)
        for cursor in cursors { try give(up: cursor["id"], in: database) }
        // Names hold no '#', so nobody can ask for this one, and the old one is free.
        try database.run("UPDATE consumer SET name = name || '#' || id WHERE id = ?", [consumer])
        return receipt
    }

    private func refuseOpenSession(of consumer: Int64, in database: Database) throws {
        let open = try database.count(
            """
            SELECT EXISTS (SELECT 1 FROM session JOIN cursor ON cursor.id = session.cursor_id
                WHERE cursor.consumer_id = ? AND session.ended_at IS NULL)
            """, [consumer])
        if open == 1 { throw ProtocolRefusal.sessionOpen }
    }

    private func record(_ receipt: ConsumerDrop.Receipt, _ consumer: Int64, in database: Database) throws {
        try database.run(
            """
            INSERT INTO consumer_drop (consumer_id, name, actor, reason, dropped_at, sources, pending, unfinished)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                consumer, order.consumer.rawValue, order.actor, order.reason, time.iso8601, receipt.sources,
                receipt.pending, receipt.unfinished,
            ])
    }

    private func give(up cursor: Int64, in database: Database) throws {
        try database.run(
            "UPDATE session SET ended_at = ?, ended_by = 'fenced' WHERE cursor_id = ? AND ended_at IS NULL",
            [time.iso8601, cursor])
        // What it had not finished ends with the reason of the drop; nobody will settle it any more.
        let unfinished = [
            "cursor_id = ? AND in_doubt_at IS NOT NULL",
            """
            batch_id IN (SELECT id FROM batch
                WHERE cursor_id = ? AND confirmed_at IS NULL AND abandoned_at IS NULL)
            """,
        ]
        for condition in unfinished {
            try database.run(
                "UPDATE emission SET outcome = 'dropped', detail = ?, settled_at = ? WHERE outcome IS NULL AND \(condition)",
                [Settle.cut(order.reason), time.iso8601, cursor])
        }
        try database.run(
            """
            UPDATE batch SET abandoned_at = ?
            WHERE cursor_id = ? AND confirmed_at IS NULL AND abandoned_at IS NULL
            """, [time.iso8601, cursor])
        try database.run(
            """
            UPDATE cursor SET dropped_at = ?, start_seq = \(Int64.max), position = \(Int64.max),
                passed = \(Int64.max) WHERE id = ?
            """, [time.iso8601, cursor])
        try database.run("DELETE FROM replay_event WHERE cursor_id = ? AND emission_no IS NULL", [cursor])
        try database.run("DELETE FROM tally WHERE cursor_id = ?", [cursor])
    }
}
