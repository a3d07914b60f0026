package import EventQueue
import GRDB

extension SQLiteEventStore {
    /// Returns once the writer has finished what was handed over before and has asked SQLite something.
    ///
    /// It touches neither the file nor its locks, so a full disk or a damaged file does not fail it: a restart
    /// would mend neither.
    ///
    /// - Throws: ``StoreFailure`` when the store is closed.
    package func probe() async throws {
        try await writer.alone { pool in
            try pool.writeWithoutTransaction { try $0.execute(sql: "SELECT 1") }
        }
    }

    /// What keeps events from being stored now; `nil` while nothing does as far as is known.
    ///
    /// After a write that failed it tries one by itself, so that a queue to which nobody sends any more, because it is
    /// not ready, is ready again when it can be. That one is small: where a quota of the file system leaves room for it
    /// alone, which `free_bytes_min` does not see, a large event still fails. A full quota of our own is no obstacle:
    /// only who reads can make room then, and must not be led elsewhere.
    package func obstacle() async -> StoreFailure? {
        do {
            try guardian.refuseIfFailed()
            try guardian.refuseIfShortOfSpace()
            if guardian.lastWriteFailed { try await writeNothing() }
            return nil
        } catch {
            return error as? StoreFailure ?? .unavailable("The database could not be written: \(error).")
        }
    }

    /// Commits a page of the database as it was.
    private func writeNothing() async throws {
        try await write { database in
            let version = try database.count("PRAGMA user_version")
            // Unlike a row, which is not written when it is the same, this marks its page in any case.
            try database.execute(sql: "PRAGMA user_version = \(version)")
        }
    }
}
