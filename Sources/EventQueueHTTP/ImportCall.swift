import EventQueue
import Logging

extension ConsumerAPI {
    /// Stores the events of a body of JSON lines; a line that is none is reported and stops nothing.
    ///
    /// - Throws: What the store throws; no event of the body is stored then.
    func importLines(_ body: [UInt8]) async throws -> Answer {
        // All lines of a call share a transaction, and each may be reported on.
        guard body.count(where: { $0 == UInt8(ascii: "\n") }) <= Limits.importLinesMax else {
            return .problem(
                413, "too_many_lines", title: "The body has too many lines.",
                detail: "Send at most \(Limits.importLinesMax) lines at once.")
        }
        var lines = ImportedLines(body, receivedAt: now())
        lines.take(try await store.importEvents(lines.events))
        logger.info(
            "events imported",
            metadata: [
                "imported": "\(lines.imported)", "present": "\(lines.present)",
                "restored": "\(lines.restored)",
                "rejected": "\(lines.rejected.count)",
            ])
        return .json(200, lines.json)
    }
}

/// The lines of a body and what becomes of each.
private struct ImportedLines {
    /// The events of the good lines, in their order.
    private(set) var events: [ImportedEvent] = []
    /// How many lines hold anything.
    private var count = 0
    /// The lines of `events`, counted from 1.
    private var numbers: [Int] = []
    private(set) var imported = 0
    private(set) var present = 0
    private(set) var restored = 0
    private var thinned = 0
    private(set) var rejected: [(line: Int, error: ImportError)] = []

    init(_ body: [UInt8], receivedAt: Timestamp) {
        let lines = body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (line, number) in zip(lines, 1...) where !ImportLine.isBlank(line) {
            count += 1
            do throws(ImportError) {
                events.append(try ImportLine.parse(Array(line), receivedAt: receivedAt))
                numbers.append(number)
            } catch {
                rejected.append((number, error))
            }
        }
    }

    /// Notes what the store did with the events.
    mutating func take(_ results: [Imported]) {
        for ((event, number), result) in zip(zip(events, numbers), results) {
            switch result {
            case .stored:
                imported += 1
                if event.content == nil { thinned += 1 }
            case .present: present += 1
            case .restored: restored += 1
            case .conflict(let other): rejected.append((number, .conflict(with: other)))
            }
        }
        rejected.sort { $0.line < $1.line }
    }

    var json: JSON {
        [
            "lines": .integer(count), "imported": .integer(imported), "present": .integer(present),
            "restored": .integer(restored),
            "thinned": .integer(thinned),
            "rejected": .list(
                rejected.map {
                    ["line": .integer($0.line), "code": .text($0.error.code), "detail": .text($0.error.detail)]
                }),
        ]
    }
}
