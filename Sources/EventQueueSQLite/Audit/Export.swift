package import EventQueue
import Foundation
import GRDB

/// All events of a database, or some, as JSON lines in `seq` order.
///
/// It reads in short transactions up to the newest event at its start, so it never keeps the service from
/// emptying its WAL, however slowly its lines are taken.
package struct Export {
    /// Which events; those without a bound are all of them.
    package struct Selection: Sendable, Equatable {
        package var source: Source.ID?
        /// Received at or after this time.
        package var since: Timestamp?
        /// Received before this time.
        package var until: Timestamp?

        package init() {}
    }

    /// What was written.
    package struct Summary: Sendable, Equatable {
        /// Lines written now.
        package var events = 0
        package var bytes: Int64 = 0
        /// Events that do not have their hashes any more, with what is wrong; they were written as stored.
        package var damaged = 0
    }

    /// Rows of a transaction: some milliseconds.
    private static let rowsPerPage = 1000
    /// What a page may take in memory, but for one event larger than that.
    private static let bytesPerPage = 8 << 20

    private let opened: AuditedFile
    private let selection: Selection
    /// The newest event at the start.
    private let end: Int64
    /// How many events are to come.
    package let total: Int
    private var position: Int64 = 0

    /// - Throws: ``StartRefusal`` for a file that is no database of ours; ``AuditRefusal`` for an unknown source.
    package init(database: String, _ selection: Selection) throws {
        opened = try AuditedFile.openOurs(database)
        self.selection = selection
        let (condition, arguments) = Self.condition(selection)
        do {
            (end, total) = try opened.read { database in
                try Self.requireSource(selection.source, in: database)
                let end = try Int64.fetchOne(database, sql: "SELECT coalesce(max(seq), 0) FROM event") ?? 0
                let sql = "SELECT count(*) FROM event WHERE \(condition)"
                return (end, try Int.fetchOne(database, sql: sql, arguments: arguments) ?? 0)
            }
        } catch {
            opened.close()
            throw error
        }
    }

    package func close() { opened.close() }

    /// Writes every line that is not written yet.
    ///
    /// - Parameters:
    ///   - sink: Takes whole lines.
    ///   - complain: Takes what is wrong with a line, with the id of its event.
    package mutating func run(
        after written: Int = 0, to sink: ([UInt8]) throws -> Void, complain: (String) -> Void,
        _ progress: AuditProgress.Observer
    ) throws -> Summary {
        var summary = Summary()
        while let page = try nextPage(Self.columns, map: ExportLine.init, size: \.bytes.count) {
            var lines: [UInt8] = []
            lines.reserveCapacity(page.reduce(0) { $0 + $1.bytes.count })
            for line in page {
                lines += line.bytes
                guard let damage = line.damage else { continue }
                summary.damaged += 1
                complain("\(line.event): \(damage)")
            }
            if !lines.isEmpty { try sink(lines) }
            summary.events += page.count
            summary.bytes += Int64(lines.count)
            progress(AuditProgress("exporting", done: written + summary.events, total: total))
        }
        return summary
    }

    /// Passes over the events that were written already, from the first on.
    ///
    /// - Parameter isWritten: Whether the next line is that of this event; after a `false` it is not asked again.
    /// - Returns: How many were passed over.
    mutating func skip(_ isWritten: (String) throws -> Bool) throws -> Int {
        var count = 0
        let columns = "event.seq, event.id"
        while let page = try nextPage(columns, map: { ($0.integer(0), $0.text(1)) }, size: { _ in 0 }) {
            for (sequence, event) in page {
                guard let sequence, let event else { continue }
                guard try isWritten(event) else {
                    position = sequence - 1
                    return count
                }
                count += 1
            }
        }
        return count
    }

    // MARK: Pages

    private static let columns = """
        event.seq, event.id, source.name, event.type, event.platform_event, event.received_at, event.verification,
        event.key_id, event.idempotency_key, event.headers, event.body_sha256, event.envelope_sha256,
        CAST(event.envelope AS BLOB), event.body
        """

    /// The next events in a transaction of their own; `nil` behind the last one, empty where none is chosen.
    private mutating func nextPage<Element>(
        _ columns: String, map: (Row) -> Element, size: (Element) -> Int
    ) throws -> [Element]? {
        let (condition, arguments) = Self.condition(selection)
        let page = try opened.read { database -> (elements: [Element], last: Int64)? in
            // Where retention has left a gap, the page begins behind it.
            let first = try Int64.fetchOne(
                database, sql: "SELECT min(seq) FROM event WHERE seq > ? AND seq <= ?", arguments: [position, end])
            guard let first else { return nil }
            let last = min(end, first + Int64(Self.rowsPerPage) - 1)
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT \(columns) FROM event JOIN source ON source.id = event.source_id
                    WHERE event.seq BETWEEN :first AND :last AND \(condition) ORDER BY event.seq
                    """, arguments: arguments + ["first": first, "last": last])
            var elements: [Element] = []
            var bytes = 0
            while let row = try rows.next() {
                let element = map(row)
                elements.append(element)
                bytes += size(element)
                if bytes > Self.bytesPerPage { return (elements, row.integer(0) ?? last) }
            }
            return (elements, last)
        }
        guard let page else { return nil }
        position = page.last
        return page.elements
    }

    private static func condition(_ selection: Selection) -> (String, StatementArguments) {
        var conditions = ["true"]
        var arguments = StatementArguments()
        if let source = selection.source {
            conditions.append("event.source_id = (SELECT id FROM source WHERE name = :source)")
            arguments += ["source": source.rawValue]
        }
        if let since = selection.since {
            conditions.append("event.received_at >= :since")
            arguments += ["since": since.iso8601]
        }
        if let until = selection.until {
            conditions.append("event.received_at < :until")
            arguments += ["until": until.iso8601]
        }
        return (conditions.joined(separator: " AND "), arguments)
    }

    private static func requireSource(_ source: Source.ID?, in database: Database) throws {
        guard let source else { return }
        let names = try String.fetchAll(database, sql: "SELECT name FROM source ORDER BY name")
        guard names.contains(source.rawValue) else {
            throw AuditRefusal(
                "The database has no source \(source).",
                mend: names.isEmpty ? "It has none at all." : "It has: \(names.joined(separator: ", ")).")
        }
    }
}
