import EventQueue
import GRDB

/// A page of the view `events`.
struct Listing {
    let query: EventQuery

    func run(in database: Database) throws -> EventPage {
        let rows = try query.state == nil ? byEvent(in: database) : byState(in: database)
        // One row more than was asked for tells that there is another page.
        guard rows.count > query.limit else { return page(rows, next: nil) }
        // The rows of one event stay together, so that a page can be named by its last sequence alone.
        let cut = Self.sequence(rows[query.limit])
        let whole = rows.prefix(query.limit).filter { Self.sequence($0) != cut }
        guard let last = whole.last else {
            return page(try standing(of: [cut], in: database), next: cut)
        }
        return page(whole, next: Self.sequence(last))
    }

    private func page(_ rows: [Row], next: Int64?) -> EventPage {
        let isFromEnd = query.end == .last
        return EventPage(
            rows: (isFromEnd ? rows.reversed() : rows).map(EventRow.init),
            next: isFromEnd ? nil : next.map(Event.Sequence.init))
    }

    private static func sequence(_ row: Row) -> Int64 { row["seq"] }

    private var order: String { query.end == .last ? "DESC" : "ASC" }

    // MARK: Ways

    /// Takes the next events, then asks how each stands: what a state costs is paid for those events only.
    private func byEvent(in database: Database) throws -> [Row] {
        var rows: [Row] = []
        var behind = start
        while rows.count <= query.limit {
            let sequences = try sequences(behind: behind, in: database)
            guard let last = sequences.last else { break }
            rows += try standing(of: sequences, in: database)
            behind = last
        }
        return rows
    }

    private func sequences(behind: Int64?, in database: Database) throws -> [Int64] {
        var (conditions, arguments) = try conditions(in: database)
        if let source = query.source {
            conditions.append("source_id = (SELECT id FROM source WHERE name = ?)")
            arguments.append(source.rawValue)
        }
        if let behind {
            conditions.append(query.end == .last ? "seq < ?" : "seq > ?")
            arguments.append(behind)
        }
        let sql = "SELECT seq FROM event \(Self.filter(conditions)) ORDER BY seq \(order) LIMIT ?"
        return try database.all(sql, arguments + [query.limit + 1]).map(Self.sequence)
    }

    private func standing(of sequences: [Int64], in database: Database) throws -> [Row] {
        // Integers of ours: SQLite looks each of them up in every arm of the view, which it does not for a list
        // that comes out of another question.
        let list = sequences.map(String.init).joined(separator: ",")
        let (conditions, arguments) = narrowed
        let narrowed = (["seq IN (\(list))"] + conditions).joined(separator: " AND ")
        return try Row.fetchAll(
            database, sql: "SELECT \(EventRow.columns) FROM events WHERE \(narrowed) ORDER BY seq \(order)",
            arguments: StatementArguments(arguments))
    }

    /// Asks the view, which goes straight to the events of one state.
    private func byState(in database: Database) throws -> [Row] {
        var (conditions, arguments) = try conditions(in: database)
        conditions += narrowed.0
        arguments += narrowed.1
        if let source = query.source {
            conditions.append("source = ?")
            arguments.append(source.rawValue)
        }
        if let start {
            conditions.append("seq > ?")
            arguments.append(start)
        }
        let limited = "\(Self.filter(conditions)) ORDER BY seq \(order) LIMIT ?"
        return try database.all(
            "SELECT \(EventRow.columns) FROM events \(limited)", arguments + [query.limit + 1])
    }

    // MARK: Conditions

    private var start: Int64? {
        guard case .after(let sequence?) = query.end else { return nil }
        return sequence.rawValue
    }

    /// What is asked about an event and a consumer.
    private var narrowed: ([String], [(any DatabaseValueConvertible)?]) {
        let given = [("consumer = ?", query.consumer?.rawValue), ("state = ?", query.state?.rawValue)]
            .filter { $0.1 != nil }
        return (given.map(\.0), given.map(\.1))
    }

    /// What is asked about an event alone.
    private func conditions(in database: Database) throws
        -> ([String], [(any DatabaseValueConvertible)?])
    {
        var conditions: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = []
        if let kind = query.kind {
            conditions.append("type = ?")
            arguments.append(kind.rawValue)
        }
        if let until = query.until {
            conditions.append("received_at < ?")
            arguments.append(until.iso8601)
        }
        if let since = query.since {
            // In the order of seq a time alone would be looked for from the first event on.
            let first =
                try database.first(
                    "SELECT min(seq) AS seq FROM event WHERE received_at >= ?", [since.iso8601])?["seq"] as Int64?
            conditions += ["received_at >= ?", "seq >= ?"]
            arguments += [since.iso8601, first ?? .max]
        }
        return (conditions, arguments)
    }

    private static func filter(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
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
