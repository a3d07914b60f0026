import EventQueue
import Foundation
import GRDB

/// One bound of retention for one source: which of its events are done with, and since when.
struct Expiry {
    /// What becomes of an event that is done with.
    enum Fate: Sendable {
        case deleted
        case thinned
    }

    /// A page of a sweep over the source in `seq` order.
    struct Page {
        /// Those that nobody needs any more.
        var expired: [Int64] = []
        /// How many are old enough and stay, because somebody needs them.
        var held = 0
        /// Where the next page begins; `nil` when there is nothing old enough behind.
        var next: Int64?
    }

    let fate: Fate
    let source: Int64
    /// What was settled or confirmed after it is kept.
    let cutoff: Timestamp

    /// What was confirmed after it and not settled is kept.
    let confirmedCutoff: Timestamp
    /// An open session may begin to report outcomes; what it confirmed after this could then be in doubt.
    let vouchedCutoff: Timestamp

    /// An event is done with when no consumer has it pending, outstanding, in doubt or waiting to be
    /// replayed, and each has settled or confirmed it by the cutoff. A batch that is still outstanding is sent
    /// again byte for byte, so it keeps its events; a confirmed one that its session may still leave in doubt
    /// (S3) does too. An event before a consumer's start is its business once a replay has ordered it.
    static let isDone = """
        NOT EXISTS (
            SELECT 1 FROM cursor
            WHERE cursor.source_id = event.source_id AND cursor.dropped_at IS NULL
                AND ((event.seq > cursor.start_seq AND event.envelope IS NOT NULL)
                    OR EXISTS (SELECT 1 FROM emission
                        WHERE emission.seq = event.seq AND emission.cursor_id = cursor.id)
                    OR EXISTS (SELECT 1 FROM replay_event AS waiting WHERE waiting.cursor_id = cursor.id
                        AND waiting.seq = event.seq AND waiting.emission_no IS NULL))
                AND NOT EXISTS (
                    SELECT 1 FROM emission LEFT JOIN batch ON batch.id = emission.batch_id
                    LEFT JOIN session ON session.id = batch.session_id
                    WHERE emission.seq = event.seq AND emission.cursor_id = cursor.id AND \(Judge.isCurrent)
                        AND (batch.id IS NULL OR batch.confirmed_at IS NOT NULL OR batch.abandoned_at IS NOT NULL)
                        AND CASE WHEN emission.outcome IS NOT NULL THEN emission.settled_at <= :cutoff
                            ELSE emission.in_doubt_at IS NULL AND batch.confirmed_at <= :confirmed
                                AND (session.id IS NULL OR session.ended_at IS NOT NULL OR (session.settles = 0
                                    AND batch.confirmed_at <= :vouched
                                    AND batch.number < (SELECT max(number) FROM batch AS newest
                                        WHERE newest.cursor_id = batch.cursor_id)))
                            END))
        """

    /// Beyond the slowest consumer everything is needed; without a consumer everything is.
    private static let isReached = """
        event.seq <= (SELECT coalesce(min(position), 0) FROM cursor
            WHERE cursor.source_id = event.source_id AND cursor.dropped_at IS NULL)
        """

    private var applies: String {
        switch fate {
        case .deleted: "TRUE"
        case .thinned: "event.envelope IS NOT NULL"
        }
    }

    /// Looks at the next `limit` events behind `after`; it changes nothing and may run on a reader.
    ///
    /// It ends at the first page without an old event: events arrive in the order of their sequences, and a
    /// clock that jumped only makes retention later.
    func page(after: Int64, limit: Int, in database: Database) throws -> Page {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT seq, is_old, \(applies) AS applies, CASE WHEN is_old THEN \(Self.isDone) ELSE 0 END AS is_done
                    FROM (SELECT seq, source_id, iif(envelope IS NULL, NULL, 1) AS envelope,
                            received_at <= :cutoff AS is_old
                        FROM event WHERE source_id = :source AND seq > :after AND seq <= :end
                        ORDER BY seq LIMIT :limit) AS event
                    """),
            arguments: [
                "source": source, "after": after, "limit": limit, "cutoff": cutoff.iso8601,
                "confirmed": confirmedCutoff.iso8601, "vouched": vouchedCutoff.iso8601,
                "end": try slowest(in: database),
            ])
        var page = Page()
        var hasOld = false
        for row in rows {
            let isOld: Bool = row["is_old"]
            hasOld = hasOld || isOld
            guard isOld, row["applies"] else { continue }
            if row["is_done"] { page.expired.append(row["seq"]) } else { page.held += 1 }
        }
        if hasOld, rows.count == limit { page.next = rows.last?["seq"] }
        return page
    }

    /// How many old events the slowest consumer has not reached; all of them while nobody reads.
    func beyondSlowest(in database: Database) throws -> Int {
        try database.count(
            """
            SELECT count(*) FROM event
            WHERE source_id = ? AND seq > ? AND received_at <= ? AND \(applies)
            """, [source, slowest(in: database), cutoff.iso8601])
    }

    private func slowest(in database: Database) throws -> Int64 {
        try database.first(
            "SELECT min(position) AS position FROM cursor WHERE source_id = ? AND dropped_at IS NULL", [source]
        )?["position"] ?? 0
    }

    /// Carries out the fate of those of `sequences` that are still done with. It runs in a transaction.
    ///
    /// - Returns: How many there were.
    func apply(to sequences: [Int64], in database: Database) throws -> Int {
        let named = "event.seq IN (SELECT value FROM json_each(:sequences))"
        let list = Self.list(sequences)
        let still = try Int64.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT seq FROM event
                    WHERE \(named) AND \(applies) AND \(Self.isReached) AND \(Self.isDone) ORDER BY seq
                    """),
            arguments: [
                "sequences": list, "cutoff": cutoff.iso8601, "confirmed": confirmedCutoff.iso8601,
                "vouched": vouchedCutoff.iso8601,
            ])
        guard !still.isEmpty else { return 0 }
        let chosen = Self.list(still)
        switch fate {
        case .thinned:
            try database.run(
                """
                UPDATE event SET envelope = NULL, body = NULL
                WHERE seq IN (SELECT value FROM json_each(?))
                """, [chosen])
        case .deleted: try delete(chosen, count: still.count, in: database)
        }
        return still.count
    }

    private func delete(_ chosen: String, count: Int, in database: Database) throws {
        let states = try database.all(
            """
            SELECT emission.cursor_id, coalesce(emission.outcome, 'confirmed') AS state, count(*) AS events
            FROM emission WHERE seq IN (SELECT value FROM json_each(?)) AND \(Judge.isCurrent)
            GROUP BY 1, 2
            """, [chosen])
        let batches = try database.all(
            """
            SELECT DISTINCT batch_id FROM emission
            WHERE seq IN (SELECT value FROM json_each(?)) AND batch_id IS NOT NULL
            """, [chosen])
        try database.run("DELETE FROM event WHERE seq IN (SELECT value FROM json_each(?))", [chosen])
        try database.run("UPDATE source SET pruned = pruned + ? WHERE id = ?", [count, source])
        for row in states {
            try database.run(
                "UPDATE tally SET events = events - ? WHERE cursor_id = ? AND state = ?",
                [row["events"] as Int, row["cursor_id"] as Int64, row["state"] as String])
        }
        // A batch without events is of no use but as the last one, which says where the cursor stands.
        try database.run(
            """
            DELETE FROM batch WHERE id IN (SELECT value FROM json_each(?))
                AND NOT EXISTS (SELECT 1 FROM emission WHERE emission.batch_id = batch.id)
                AND number < (SELECT max(number) FROM batch AS newest WHERE newest.cursor_id = batch.cursor_id)
            """, [Self.list(batches.map { $0["batch_id"] })])
    }

    private static func list(_ integers: [Int64]) -> String {
        "[" + integers.map(String.init).joined(separator: ",") + "]"
    }
}
