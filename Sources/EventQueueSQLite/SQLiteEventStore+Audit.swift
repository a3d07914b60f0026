public import EventQueue
import Foundation
import GRDB

/// What people and tools look at: the same views that an auditor asks with the sqlite3 shell.
extension SQLiteEventStore {
    public func events(_ query: EventQuery) async throws -> EventPage {
        try await read { try Listing(query).run(in: $0) }
    }

    public func event(_ id: Event.ID) async throws -> EventRecord? {
        try await read { database in
            try database.first(
                """
                SELECT event.*, source.name AS source, CAST(envelope AS BLOB) AS envelope_bytes,
                    (SELECT count FROM duplicate WHERE duplicate.seq = event.seq) AS duplicates
                FROM event JOIN source ON source.id = event.source_id WHERE event.id = ?
                """, [id.rawValue]
            ).map { try Self.record($0, in: database) }
        }
    }

    public func replays(of source: Source.ID?, for consumer: Consumer.ID?, limit: Int) async throws
        -> [ReplayRecord]
    {
        try await read { database in
            try database.all(
                """
                \(ReplayRecord.columns) WHERE (?1 IS NULL OR source.name = ?1) AND (?2 IS NULL OR consumer.name = ?2)
                ORDER BY replay.id DESC LIMIT ?3
                """, [source?.rawValue, consumer?.rawValue, limit]
            ).map(ReplayRecord.init)
        }
    }

    public func replay(_ id: Replay.ID) async throws
        -> (record: ReplayRecord, members: [ReplayRecord.Member])?
    {
        try await read { database in
            let row = try database.first("\(ReplayRecord.columns) WHERE replay.name = ?", [id.rawValue])
            guard let row else { return nil }
            let members = try database.all(
                """
                SELECT event.id, replay_event.emission_no, \(Self.stateOfReplayed) AS state
                FROM replay JOIN replay_event ON replay_event.replay_id = replay.id
                JOIN event ON event.seq = replay_event.seq
                LEFT JOIN emission ON emission.seq = replay_event.seq
                    AND emission.cursor_id = replay_event.cursor_id
                    AND emission.emission_no = replay_event.emission_no
                LEFT JOIN batch ON batch.id = emission.batch_id
                WHERE replay.name = ? ORDER BY replay_event.seq LIMIT \(Limits.pageRowsMax)
                """, [id.rawValue])
            return (
                ReplayRecord(row),
                members.map { ReplayRecord.Member(event: $0["id"], emission: $0["emission_no"], state: $0["state"]) }
            )
        }
    }

    /// How far the emission that a replay ordered has come.
    private static let stateOfReplayed = """
        CASE WHEN replay_event.emission_no IS NULL THEN 'replaying'
            WHEN emission.outcome IS NOT NULL THEN emission.outcome
            WHEN emission.in_doubt_at IS NOT NULL THEN 'in_doubt'
            WHEN batch.confirmed_at IS NOT NULL THEN 'confirmed' ELSE 'drained' END
        """

    private static func record(_ row: Row, in database: Database) throws -> EventRecord {
        let sequence: Int64 = row["seq"]
        let replays = try database.all(
            """
            \(ReplayRecord.columns)
            WHERE replay.id IN (SELECT replay_id FROM replay_event WHERE seq = ?) ORDER BY replay.id
            """, [sequence])
        return EventRecord(
            sequence: Event.Sequence(rawValue: sequence), id: row["id"], source: row["source"],
            type: row["type"], platformEvent: row["platform_event"], receivedAt: row["received_at"],
            envelope: (row["envelope_bytes"] as Data?).map { [UInt8]($0) },
            envelopeFingerprint: Fingerprint(stored: [UInt8](row["envelope_sha256"] as Data)),
            verification: row["verification"], keyID: row["key_id"], idempotencyKey: row["idempotency_key"],
            headersJSON: row["headers"],
            bodyFingerprint: Fingerprint(stored: [UInt8](row["body_sha256"] as Data)),
            duplicates: row["duplicates"] ?? 0, readings: try readings(of: sequence, in: database),
            replays: replays.map(ReplayRecord.init))
    }

    private static func readings(of sequence: Int64, in database: Database) throws -> [EventRecord.Reading] {
        let emissions = try database.all(
            "SELECT * FROM emissions WHERE seq = ? ORDER BY consumer, emission_no", [sequence])
        let byConsumer = Dictionary(grouping: emissions) { $0["consumer"] as String }
        let standing = try database.all(
            "SELECT consumer, state FROM events WHERE seq = ? ORDER BY consumer", [sequence])
        return standing.map { row in
            let consumer: String? = row["consumer"]
            return EventRecord.Reading(
                consumer: consumer, state: row["state"],
                emissions: consumer.flatMap { byConsumer[$0] }?.map(EmissionRecord.init) ?? [])
        }
    }
}

/// A page of the view `events`.
private struct Listing {
    let query: EventQuery

    init(_ query: EventQuery) { self.query = query }

    func run(in database: Database) throws -> EventPage {
        // One row more tells whether there is another page.
        var rows = try fetch(limit: query.limit + 1, in: database)
        guard rows.count > query.limit, let more = rows.popLast() else {
            return page(rows, next: nil)
        }
        // The rows of one event stay together, so that a page can be named by its last sequence alone.
        let cut: Int64 = more["seq"]
        let whole = rows.filter { $0["seq"] != cut }
        guard let last = whole.last else { return page(try all(of: cut, in: database), next: cut) }
        return page(whole, next: last["seq"])
    }

    private func page(_ rows: [Row], next: Int64?) -> EventPage {
        let listed = query.end == .last ? rows.reversed() : rows
        return EventPage(
            rows: listed.map(EventRow.init),
            next: query.end == .last ? nil : next.map(Event.Sequence.init))
    }

    private func all(of sequence: Int64, in database: Database) throws -> [Row] {
        let (conditions, arguments) = conditions
        let sql = "SELECT * FROM events WHERE \((["seq = ?"] + conditions).joined(separator: " AND "))"
        return try database.all(sql, [sequence] + arguments)
    }

    private func fetch(limit: Int, in database: Database) throws -> [Row] {
        var (conditions, arguments) = conditions
        if case .after(let sequence?) = query.end {
            conditions.append("seq > ?")
            arguments.append(sequence.rawValue)
        }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let order = query.end == .last ? "DESC" : "ASC"
        return try database.all(
            "SELECT \(EventRow.columns) FROM events \(filter) ORDER BY seq \(order) LIMIT ?", arguments + [limit])
    }

    private var conditions: ([String], [(any DatabaseValueConvertible)?]) {
        let all: [(String, (any DatabaseValueConvertible)?)] = [
            ("source = ?", query.source?.rawValue), ("consumer = ?", query.consumer?.rawValue),
            ("state = ?", query.state?.rawValue), ("type = ?", query.kind?.rawValue),
            ("received_at >= ?", query.since?.iso8601), ("received_at < ?", query.until?.iso8601),
        ]
        let given = all.filter { $0.1 != nil }
        return (given.map(\.0), given.map(\.1))
    }
}

extension EventRow {
    /// All but the envelope, which a listing does not show.
    fileprivate static let columns = """
        seq, id, source, type, platform_event, received_at, verification, idempotency_key, consumer, state,
        emissions, drained_at, confirmed_at, settled_at, outcome
        """

    fileprivate init(_ row: Row) {
        self.init(
            sequence: Event.Sequence(rawValue: row["seq"]), id: row["id"], source: row["source"],
            type: row["type"], platformEvent: row["platform_event"], receivedAt: row["received_at"],
            verification: row["verification"], idempotencyKey: row["idempotency_key"],
            consumer: row["consumer"], state: row["state"], emissions: row["emissions"],
            drainedAt: row["drained_at"], confirmedAt: row["confirmed_at"], settledAt: row["settled_at"],
            outcome: row["outcome"])
    }
}

extension EmissionRecord {
    fileprivate init(_ row: Row) {
        self.init(
            number: row["emission_no"], batch: (row["batch"] as Int64?).map(Batch.Number.init),
            session: row["session"], drainedAt: row["drained_at"], confirmedAt: row["confirmed_at"],
            inDoubtAt: row["in_doubt_at"], settledAt: row["settled_at"], outcome: row["outcome"],
            detail: row["detail"], replay: row["replay_id"])
    }
}

extension ReplayRecord {
    /// The question for replays; a condition may follow.
    fileprivate static let columns = """
        SELECT replay.name AS id, consumer.name AS consumer, source.name AS source, replay.actor,
            replay.reason, replay.requested_at, replay.selection, replay.events, replay.skipped,
            (SELECT count(*) FROM replay_event WHERE replay_event.replay_id = replay.id
                AND replay_event.emission_no IS NOT NULL) AS emitted,
            (SELECT count(*) FROM replay_event WHERE replay_event.replay_id = replay.id
                AND replay_event.emission_no IS NULL) AS waiting
        FROM replay
        JOIN cursor ON cursor.id = replay.cursor_id
        JOIN consumer ON consumer.id = cursor.consumer_id
        JOIN source ON source.id = cursor.source_id
        """

    fileprivate init(_ row: Row) {
        self.init(
            id: row["id"], consumer: row["consumer"], source: row["source"], actor: row["actor"],
            reason: row["reason"], requestedAt: row["requested_at"], selection: row["selection"],
            events: row["events"], skipped: row["skipped"], emitted: row["emitted"], waiting: row["waiting"])
    }
}
