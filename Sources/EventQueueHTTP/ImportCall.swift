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

extension ImportedLines {
    fileprivate var json: JSON {
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
