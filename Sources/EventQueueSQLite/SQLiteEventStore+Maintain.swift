import EventQueue
import EventQueueMigrations
import GRDB
import Logging

extension SQLiteEventStore {
    /// The housekeeping that the service asks for every few seconds; failures are logged, not thrown.
    public func maintain() async {
        do {
            try await judgeOverdue()
            try await emptyLog()
        } catch {
            logger.warning("housekeeping was put off", metadata: ["reason": "\(error)"])
        }
    }

    /// Moves the WAL's content into the database and cuts the WAL, if no reader is in the way.
    ///
    /// It runs on the writer, because a checkpoint beside another writer can lose rows in SQLite before
    /// 3.51.3 (https://www.sqlite.org/wal.html#walresetbug). It waits for nobody: a reader that holds an old
    /// snapshot keeps the WAL growing, not the senders waiting.
    func emptyLog() async throws {
        let logBytes = DatabaseFile.size(file.walPath)
        guard logBytes > Self.logBytesWorthEmptying else { return }
        let guardian = guardian
        let isEmptied: Bool = try await writer.alone { pool in
            try guardian.guarding {
                try pool.writeWithoutTransaction { try Self.emptyLog($0) }
            }
        }
        guard !isEmptied, logBytes > Int64(configuration.limits.walBytesWarning) else { return }
        logger.warning(
            "a reader keeps the WAL from being emptied; look for a forgotten sqlite3 shell",
            metadata: ["wal_bytes": "\(logBytes)"])
    }

    /// Returns whether no reader was in the way.
    static func emptyLog(_ database: Database) throws -> Bool {
        try database.execute(sql: "PRAGMA busy_timeout = 0")
        defer { try? database.execute(sql: "PRAGMA busy_timeout = 5000") }
        let row = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        return row?[0] == 0
    }

    private static var logBytesWorthEmptying: Int64 { 4 << 20 }

    /// Refuses a database whose schema would have to be changed, where that was not asked for.
    static func refusePending(_ file: DatabaseFile, _ migrating: Migrating) throws {
        guard migrating != .always else { return }
        let plan = try plan(of: file)
        guard !plan.pending.isEmpty, migrating == .never || !plan.applied.isEmpty else { return }
        let command = "orgloop-queue migrate --database \(shellWord(file.path))"
        guard !plan.applied.isEmpty else {
            throw StartRefusal(
                "The database \(file.path) holds nothing yet.",
                mend: "The service makes its tables at its start; without it: \(command)")
        }
        throw StartRefusal(
            "The database \(file.path) was written by an older version; it lacks "
                + "\(plan.pending.joined(separator: ", ")).",
            mend: "Take a backup, then run: \(command). The service does it by itself at its start.")
    }

    /// What ``migrate(path:)`` would do, without doing it.
    ///
    /// - Throws: ``StartRefusal`` when the file must not be served.
    public static func migrationPlan(path: String) throws -> (applied: [String], pending: [String]) {
        let file = DatabaseFile(path: path)
        try Inspection.run(file)
        return try plan(of: file)
    }

    /// The migrations that an inspected database has, and those that it lacks.
    private static func plan(of file: DatabaseFile) throws -> (applied: [String], pending: [String]) {
        let all = Migration.all.map(\.name)
        guard DatabaseFile.size(file.path) > 0 else { return ([], all) }
        let queue = try DatabaseQueue(path: file.path, configuration: Connections.inspection())
        defer { try? queue.close() }
        let version = try queue.unsafeRead { try Schema.version($0) }
        return (Array(all.prefix(version)), Array(all.dropFirst(version)))
    }

    /// Applies what is pending to the database at `path`, creating it if there is none.
    ///
    /// - Returns: The names of the migrations it applied.
    /// - Throws: ``StartRefusal``, also while a service has the database open.
    public static func migrate(path: String) throws -> [String] {
        let file = DatabaseFile(path: path)
        try Inspection.refuseLink(file)
        try Inspection.refuseUnwritable(file)
        let lock = try ServiceLock(database: path)
        defer { lock.release() }
        try file.createPrivately()
        try Inspection.run(file)
        let pool = try Connections.openPool(path: path)
        let applied = try pool.writeWithoutTransaction { try Schema.migrate($0, at: .now()) }
        try pool.close()
        return applied
    }
}
