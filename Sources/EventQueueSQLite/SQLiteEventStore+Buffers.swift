package import EventQueue
import Foundation
import GRDB

/// The import of OrgLoop's own buffers, which happens once: events and how far they got are one commit.
extension SQLiteEventStore {
    /// What is recorded of a buffer; `nil` when nothing of it was imported yet.
    package func bufferProgress(_ key: Buffer.Key) async throws -> Buffer.Progress? {
        try await read { try Self.buffers(in: $0, only: key).first }
    }

    /// Stores some lines of a buffer, in this order, and how far that gets.
    ///
    /// - Parameter rejected: How many of the lines are no event.
    /// - Returns: What became of each, in the order of `events`.
    /// - Throws: ``StoreFailure``; nothing is stored and nothing recorded then.
    package func importBuffer(
        _ key: Buffer.Key, _ events: [ImportedEvent], rejected: Int, through mark: Buffer.Mark
    ) async throws -> [Imported] {
        let time = clock()
        let results = try await writer.transaction(guardian, appending: events.count) { database in
            let results = try Self.insert(events, into: database)
            try BufferRow(key: key, mark: mark, results: results, rejected: rejected, isLast: false)
                .insert(at: time, into: database)
            return results
        }
        noteImported(events, results)
        return results
    }

    /// Records that a buffer was imported to its end; nothing more of it ever is.
    package func endBuffer(_ key: Buffer.Key, at mark: Buffer.Mark) async throws {
        let time = clock()
        try await write { database in
            try BufferRow(key: key, mark: mark, results: [], rejected: 0, isLast: true)
                .insert(at: time, into: database)
        }
    }

    /// What is recorded of all buffers, or of one; nothing in a database that cannot record any yet.
    static func buffers(in database: Database, only key: Buffer.Key? = nil) throws -> [Buffer.Progress] {
        guard try database.hasColumn("tail_sha256", in: "buffer_import") else { return [] }
        let rows = try database.all(
            """
            SELECT buffer.*, (SELECT tail_sha256 FROM buffer_import JOIN source ON source.id = source_id
                WHERE source.name = buffer.source AND buffer_import.path = buffer.path
                ORDER BY buffer_import.id DESC LIMIT 1) AS tail_sha256
            FROM buffer_imports AS buffer
            WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR path = ?2) ORDER BY source, path
            """, [key?.source.rawValue, key?.path])
        return rows.compactMap(Buffer.Progress.init)
    }
}

/// A row of `buffer_import` that is about to be stored.
private struct BufferRow {
    let key: Buffer.Key
    let mark: Buffer.Mark
    let results: [Imported]
    let rejected: Int
    let isLast: Bool

    func insert(at time: Timestamp, into database: Database) throws {
        let source = try database.sourceRow(key.source, insertingIfMissing: true)
        let stored = results.count { $0 == .stored }
        let conflicts = results.count { if case .conflict = $0 { true } else { false } }
        try database.run(
            """
            INSERT INTO buffer_import (source_id, path, imported_at, through_byte, through_line, tail_sha256,
                events, present, rejected, is_last)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                source, key.path, time.iso8601, mark.byte, mark.line, Data(mark.tail.bytes), stored,
                results.count - stored - conflicts, rejected + conflicts, isLast,
            ])
    }
}

extension Buffer.Progress {
    fileprivate init?(_ row: Row) {
        guard let source = Source.ID(row["source"] as String),
            let tail = Fingerprint(stored: [UInt8](row["tail_sha256"] as Data))
        else { return nil }
        self.init(
            key: Buffer.Key(source: source, path: row["path"]),
            mark: Buffer.Mark(byte: row["bytes"], line: row["lines"], tail: tail),
            endedAt: (row["ended_at"] as String?).flatMap { Timestamp(iso8601: $0) },
            events: row["events"], present: row["present"], rejected: row["rejected"])
    }
}
