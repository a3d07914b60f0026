import EventQueue
import GRDB

extension Database {
    /// What a question finds that must not be there: each row is one finding, in words.
    func findings(_ sql: String) throws -> Findings {
        var findings = Findings()
        let rows = try Row.fetchCursor(self, sql: sql)
        while let row = try rows.next() { findings.add(row.text(0) ?? "a row without a name") }
        return findings
    }

    /// Whether a table of this database has a column: older databases lack those of later migrations.
    func hasColumn(_ column: String, in table: String) throws -> Bool {
        try count("SELECT count(*) FROM pragma_table_info(?) WHERE name = ?", [table, column]) == 1
    }

    /// A condition on `cursor` that leaves out those of dropped consumers, which stand behind every event.
    func isReading() throws -> String {
        try hasColumn("dropped_at", in: "cursor") ? "cursor.dropped_at IS NULL" : "true"
    }
}

/// Do the sums agree with the events that are there, and can no sequence be used twice?
enum SequenceCheck {
    static func run(_ database: Database) throws -> AuditCheck {
        let pruned = try database.hasColumn("pruned", in: "source") ? "source.pruned" : "0"
        var findings = try database.findings(
            """
            SELECT source.name || ' has ' || coalesce(stored.events, 0) || ' events, and '
                || (source.events - \(pruned)) || ' by its sum'
            FROM source
            LEFT JOIN (SELECT source_id, count(*) AS events FROM event GROUP BY source_id) AS stored
                ON stored.source_id = source.id
            WHERE coalesce(stored.events, 0) <> source.events - \(pruned)
            """)
        // AUTOINCREMENT counts on from here (https://www.sqlite.org/autoinc.html).
        let last = try database.count("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
        let newest = try database.count("SELECT coalesce(max(seq), 0) FROM event")
        if last < newest {
            findings.add("the next sequence would be \(last + 1), and up to \(newest) they are used")
        }
        findings.add(
            try database.findings(
                """
                SELECT consumer.name || ' of ' || source.name || ' stands at ' || cursor.position
                    || ', beyond the last sequence ' || \(max(last, newest))
                FROM cursor
                JOIN source ON source.id = cursor.source_id
                JOIN consumer ON consumer.id = cursor.consumer_id
                WHERE cursor.position > \(max(last, newest)) AND \(database.isReading())
                """))
        let events = try database.count("SELECT count(*) FROM event")
        return AuditCheck(
            .sequence, [("events", events), ("last_seq", last), ("gaps", max(last, newest) - events)], findings,
            mend: "Events were added or removed by something else than the service. Restore the last backup.")
    }
}

/// Was every event handed over once, but for replays (I4)?
enum EmissionsCheck {
    static func run(_ database: Database) throws -> AuditCheck {
        var findings = try database.findings(
            """
            SELECT coalesce((SELECT id FROM event WHERE event.seq = double.seq), 'seq ' || double.seq)
                || ' was handed to ' || double.consumer || ' ' || double.emissions || ' times without a replay'
            FROM double_emissions AS double
            """)
        findings.add(
            try database.findings(
                """
                SELECT coalesce((SELECT id FROM event WHERE event.seq = emission.seq), 'seq ' || emission.seq)
                    || ' was handed to ' || consumer.name || ' as emission ' || emission.emission_no
                    || ' without a replay of that consumer'
                FROM emission
                JOIN cursor ON cursor.id = emission.cursor_id
                JOIN consumer ON consumer.id = cursor.consumer_id
                LEFT JOIN replay ON replay.id = emission.replay_id
                WHERE (emission.emission_no > 1 OR emission.replay_id IS NOT NULL)
                    AND replay.cursor_id IS NOT emission.cursor_id
                """))
        return AuditCheck(
            .emissions, [("emissions", try database.count("SELECT count(*) FROM emission"))], findings,
            mend: "The record was changed by something else than the service. Compare with a backup.")
    }
}

/// Does every replay say who, why and when, and was it carried out as recorded (I9)?
enum ReplaysCheck {
    static func run(_ database: Database) throws -> AuditCheck {
        // Without an argument trim() removes spaces only.
        let blanks = "char(9, 10, 11, 12, 13, 32)"
        var findings = try database.findings(
            """
            SELECT replay.name || ' has no actor, no reason or no time' FROM replay
            WHERE trim(actor, \(blanks)) = '' OR trim(reason, \(blanks)) = ''
                OR trim(requested_at, \(blanks)) = ''
            """)
        findings.add(
            try database.findings(
                """
                SELECT replay.name || ' says that it emitted seq ' || ordered.seq || ' as emission '
                    || ordered.emission_no || ', which is not so'
                FROM replay_event AS ordered
                JOIN replay ON replay.id = ordered.replay_id
                LEFT JOIN emission ON emission.seq = ordered.seq
                    AND emission.cursor_id = ordered.cursor_id
                    AND emission.emission_no = ordered.emission_no
                WHERE ordered.emission_no IS NOT NULL AND emission.replay_id IS NOT ordered.replay_id
                    OR ordered.cursor_id <> replay.cursor_id
                """))
        findings.add(
            try database.findings(
                """
                SELECT coalesce(replay.name, 'a replay that is not there') || ' does not know that seq '
                    || emission.seq || ' was emitted for it'
                FROM emission
                LEFT JOIN replay ON replay.id = emission.replay_id
                LEFT JOIN replay_event AS ordered ON ordered.seq = emission.seq
                    AND ordered.replay_id = emission.replay_id
                WHERE emission.replay_id IS NOT NULL AND ordered.emission_no IS NOT emission.emission_no
                """))
        findings.add(
            try database.findings(
                """
                SELECT replay.name || ' has more events than the ' || replay.events || ' it was ordered for'
                FROM replay JOIN replay_event AS ordered ON ordered.replay_id = replay.id
                GROUP BY replay.id HAVING count(*) > replay.events
                """))
        return AuditCheck(
            .replays, [("replays", try database.count("SELECT count(*) FROM replay"))], findings,
            mend: "The record was changed by something else than the service. Compare with a backup.")
    }
}
