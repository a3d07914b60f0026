import EventQueue
import GRDB

/// Is every event in exactly one state for every consumer, and are the states counted right (I7)?
///
/// An event is pending beyond the cursor's position and has an emission up to it, so no event can be in two
/// states, nor in none, if the emissions respect the position and no waiting replay overlaps with it.
enum StatesCheck {
    static func run(_ database: Database) throws -> AuditCheck {
        var findings = try misplaced(database)
        findings.add(try missing(database))
        findings.add(try overlapping(database))
        findings.add(try emptied(database))
        findings.add(try unordered(database))
        let counts = try recount(database)
        findings.add(try miscounted(counts, database))
        findings.add(try pending(database))
        let figures = Event.State.allCases.map { state in
            (state.rawValue, counts.filter { $0.key.state == state.rawValue }.map(\.value).reduce(0, +))
        }
        return AuditCheck(
            .states, figures.filter { $0.1 > 0 }, findings,
            mend: "Something else than the service wrote to the file. Restore the last backup.")
    }

    /// Emissions where none can be: beyond the position, or of another source's event.
    private static func misplaced(_ database: Database) throws -> Findings {
        var findings = try database.findings(
            """
            SELECT coalesce((SELECT id FROM event WHERE event.seq = emission.seq), 'seq ' || emission.seq)
                || ' is pending for ' || consumer.name || ' and was handed to it'
            FROM cursor
            JOIN consumer ON consumer.id = cursor.consumer_id
            CROSS JOIN emission ON emission.cursor_id = cursor.id AND emission.seq > cursor.position
            """)
        // By its index alone: the rows of a million events take gigabytes.
        findings.add(
            try database.findings(
                """
                SELECT 'seq ' || emission.seq || ' was handed to ' || consumer.name || ', which reads another source'
                FROM emission
                JOIN cursor ON cursor.id = emission.cursor_id
                JOIN consumer ON consumer.id = cursor.consumer_id
                WHERE NOT EXISTS (SELECT 1 FROM event INDEXED BY event_by_source
                    WHERE event.source_id = cursor.source_id AND event.seq = emission.seq)
                """))
        return findings
    }

    /// Events without content that somebody is still to be handed, or that a new consumer would pass over.
    private static func emptied(_ database: Database) throws -> Findings {
        var findings = try database.findings(
            """
            SELECT event.id || ' has no content, and is to be handed over' FROM event
            WHERE envelope IS NULL AND seq IN (
                SELECT seq FROM replay_event WHERE emission_no IS NULL
                UNION SELECT emission.seq FROM batch JOIN emission ON emission.batch_id = batch.id
                WHERE batch.confirmed_at IS NULL AND batch.abandoned_at IS NULL)
            """)
        guard try database.hasColumn("thinned_through", in: "source") else { return findings }
        findings.add(
            try database.findings(
                """
                SELECT event.id || ' has its content, and ' || source.name || ' says that it was thinned'
                FROM source JOIN event INDEXED BY event_by_source ON event.source_id = source.id
                    AND event.seq <= source.thinned_through
                WHERE event.envelope IS NOT NULL
                """))
        return findings
    }

    /// Emissions that are not numbered from 1 on, or whose batch is another cursor's.
    private static func unordered(_ database: Database) throws -> Findings {
        var findings = try database.findings(
            """
            SELECT 'seq ' || seq || ' has an emission ' || emission_no || ' to cursor ' || cursor_id
                || ' and none before it'
            FROM emission WHERE emission_no > 1 AND NOT EXISTS (SELECT 1 FROM emission AS earlier
                WHERE earlier.seq = emission.seq AND earlier.cursor_id = emission.cursor_id
                AND earlier.emission_no = emission.emission_no - 1)
            """)
        findings.add(
            try database.findings(
                """
                SELECT 'seq ' || emission.seq || ' was handed to cursor ' || emission.cursor_id
                    || ' in a batch of cursor ' || batch.cursor_id
                FROM batch JOIN emission INDEXED BY emission_by_batch ON emission.batch_id = batch.id
                WHERE batch.cursor_id <> emission.cursor_id
                """))
        return findings
    }

    /// Kept events that were passed over without a trace.
    private static func missing(_ database: Database) throws -> Findings {
        try database.findings(
            """
            SELECT event.id || ' was never handed to ' || consumer.name || ', which stands beyond it'
            FROM cursor
            JOIN consumer ON consumer.id = cursor.consumer_id
            CROSS JOIN event INDEXED BY event_by_source ON event.source_id = cursor.source_id
                AND event.seq > cursor.start_seq AND event.seq <= cursor.position
            WHERE NOT EXISTS (SELECT 1 FROM emission
                    WHERE emission.seq = event.seq AND emission.cursor_id = cursor.id)
                AND event.envelope IS NOT NULL
            """)
    }

    /// Events that wait for a replay while they are pending, or in a batch that may still be sent.
    private static func overlapping(_ database: Database) throws -> Findings {
        try database.findings(
            """
            SELECT coalesce((SELECT id FROM event WHERE event.seq = waiting.seq), 'seq ' || waiting.seq)
                || ' waits for a replay to ' || consumer.name || ' and is to be handed over anyway'
            FROM replay_event AS waiting
            JOIN cursor ON cursor.id = waiting.cursor_id
            JOIN consumer ON consumer.id = cursor.consumer_id
            WHERE waiting.emission_no IS NULL AND (waiting.seq > cursor.position
                OR EXISTS (SELECT 1 FROM emission JOIN batch ON batch.id = emission.batch_id
                    WHERE emission.seq = waiting.seq AND emission.cursor_id = waiting.cursor_id
                        AND batch.confirmed_at IS NULL AND batch.abandoned_at IS NULL))
            """)
    }

    private struct Place: Hashable {
        let cursor: Int64
        let state: String
    }

    /// How many events of each cursor are in each state, counted one by one.
    private static func recount(_ database: Database) throws -> [Place: Int] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT cursor_id, state, count(*) FROM (
                    SELECT current.cursor_id, CASE WHEN current.outcome IS NOT NULL THEN current.outcome
                        WHEN current.in_doubt_at IS NOT NULL THEN 'in_doubt'
                        WHEN batch.confirmed_at IS NOT NULL THEN 'confirmed'
                        WHEN batch.abandoned_at IS NULL THEN 'drained'
                        ELSE 'no state' END AS state
                    FROM current_emission AS current LEFT JOIN batch ON batch.id = current.batch_id
                    UNION ALL
                    SELECT cursor_id, 'replaying' FROM replay_event WHERE emission_no IS NULL)
                GROUP BY cursor_id, state
                """)
        return places(rows)
    }

    private static func places(_ rows: [Row]) -> [Place: Int] {
        let pairs = rows.compactMap { row -> (Place, Int)? in
            guard let cursor = row.integer(0), let state = row.text(1), let count = row.integer(2) else { return nil }
            return (Place(cursor: cursor, state: state), Int(count))
        }
        return Dictionary(pairs) { $0 + $1 }
    }

    /// Where the sums that `status` shows are not what is there.
    private static func miscounted(_ counts: [Place: Int], _ database: Database) throws -> Findings {
        var findings = Findings()
        let cursors = try Row.fetchAll(
            database,
            sql: """
                SELECT cursor.id, consumer.name || ' of ' || source.name FROM cursor
                JOIN consumer ON consumer.id = cursor.consumer_id
                JOIN source ON source.id = cursor.source_id
                WHERE \(database.isReading()) ORDER BY cursor.id
                """)
        let sums = places(try Row.fetchAll(database, sql: "SELECT cursor_id, state, events FROM tally"))
        for row in cursors {
            guard let cursor = row.integer(0), let name = row.text(1) else { continue }
            let places = Set(sums.keys).union(counts.keys).filter { $0.cursor == cursor }
            for place in places.sorted(by: { $0.state < $1.state }) {
                let (sum, count) = (sums[place] ?? 0, counts[place] ?? 0)
                if place.state == "no state" {
                    findings.add("\(name): \(count) events are in no state")
                } else if sum != count {
                    findings.add("\(name): \(count) events are \(place.state), and \(sum) by the sum")
                }
            }
        }
        return findings
    }

    /// Where the view `counts` shows another number of pending events than there are.
    private static func pending(_ database: Database) throws -> Findings {
        try database.findings(
            """
            SELECT found.consumer || ' of ' || found.source || ': ' || found.events || ' events are pending, and '
                || coalesce(counts.events, 0) || ' by the sum'
            FROM (SELECT consumer.name AS consumer, source.name AS source,
                    (SELECT count(*) FROM event WHERE event.source_id = cursor.source_id
                        AND event.seq > cursor.position) AS events
                FROM cursor
                JOIN consumer ON consumer.id = cursor.consumer_id
                JOIN source ON source.id = cursor.source_id
                WHERE \(database.isReading())) AS found
            LEFT JOIN counts ON counts.consumer = found.consumer AND counts.source = found.source
                AND counts.state = 'pending'
            WHERE coalesce(counts.events, 0) <> found.events
            """)
    }
}
