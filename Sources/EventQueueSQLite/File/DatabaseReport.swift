package import EventQueue
import GRDB
import GRDBSQLite

/// What can be told about a database without serving it, for somebody who asks what is wrong.
///
/// It is made beside a running service as well: the file is opened read-only, and only after it was looked
/// at from outside.
package struct DatabaseReport: Sendable {
    /// What a file has inside that this program can serve.
    package struct Content: Sendable {
        /// The number of its newest migration; zero for an empty file.
        package let schemaVersion: Int
        /// The migrations that it does not have yet.
        package let pendingMigrations: [String]
        /// Whether the whole file was read, which a small one is.
        package let isRead: Bool
        package let newestReceivedAt: Timestamp?
        package let sources: [QueueStatus.SourceStatus]
        /// The buffers of OrgLoop that were imported, or are about to be.
        package let buffers: [Buffer.Progress]
        /// When which secrets were in use.
        package let secrets: [Secret.Period]
    }

    /// The type of the network file system that holds it, if one does.
    package let networkFileSystem: String?
    /// How many names the file has; zero when there is no file.
    package let linkCount: Int
    /// Bytes that may still be written beside it; `nil` when nobody can tell.
    package let freeBytes: Int64?
    package let databaseBytes: Int64
    package let walBytes: Int64
    package let lock: ServiceLock.Standing
    /// What is inside, or why it must not be served; `nil` when it was not opened.
    package let content: Result<Content, StartRefusal>?

    /// The SQLite library of this program.
    package static var sqliteVersion: String { String(cString: sqlite3_libversion()) }
    /// Its number, as in `SQLITE_VERSION_NUMBER`.
    package static var sqliteVersionNumber: Int { Int(sqlite3_libversion_number()) }
    /// The first version whose checkpoints lose nothing beside a second writer
    /// (https://www.sqlite.org/wal.html#walresetbug).
    package static let sqliteVersionNumberWithoutResetBug = 3_051_003

    /// Looks at the database at `path`.
    package init(path: String) {
        let file = DatabaseFile(path: path)
        let directory = file.directory
        networkFileSystem = NetworkFileSystem.holding(directory)
        linkCount = file.linkCount
        freeBytes = DatabaseFile(path: directory).freeBytes
        databaseBytes = DatabaseFile.size(path)
        walBytes = DatabaseFile.size(file.walPath)
        lock = ServiceLock.look(database: path)
        let mayBeOpened = networkFileSystem == nil && linkCount == 1
        content = mayBeOpened ? Self.content(file) : nil
    }

    private static func content(_ file: DatabaseFile) -> Result<Content, StartRefusal> {
        Result { try read(file) }.mapError { error in
            error as? StartRefusal
                ?? StartRefusal(
                    "The database \(file.path) cannot be read: \((error as? DatabaseError)?.message ?? "\(error)").",
                    mend: "Run this as the user of the service, and look at the modes of its files.")
        }
    }

    private static func read(_ file: DatabaseFile) throws -> Content {
        let plan = try SQLiteEventStore.migrationPlan(path: file.path)
        guard !plan.applied.isEmpty else {
            return Content(
                schemaVersion: 0, pendingMigrations: plan.pending, isRead: true, newestReceivedAt: nil,
                sources: [], buffers: [], secrets: [])
        }
        let queue = try DatabaseQueue(path: file.path, configuration: Connections.inspection())
        defer { try? queue.close() }
        return try queue.read { database in
            let newest = try String.fetchOne(database, sql: "SELECT max(received_at) FROM event")
            return Content(
                schemaVersion: plan.applied.count, pendingMigrations: plan.pending,
                isRead: DatabaseFile.size(file.path) <= Inspection.checkedAtStartBytesMax,
                newestReceivedAt: newest.flatMap { Timestamp(iso8601: $0) },
                sources: try SQLiteEventStore.sources(in: database),
                buffers: try SQLiteEventStore.buffers(in: database),
                secrets: try SQLiteEventStore.secretHistory(in: database))
        }
    }
}
