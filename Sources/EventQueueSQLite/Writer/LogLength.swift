import GRDB
import GRDBSQLite

/// How long the WAL is, as SQLite tells after each commit. It belongs to the writer's thread.
///
/// Watching replaces SQLite's own checkpoint inside a commit, which lets the senders wait for it and swallows its
/// errors: a failed fsync would be heard of by nobody (DESIGN §5, rule 5).
final class LogLength {
    /// So many pages are worth being moved: SQLite's own measure.
    private static let pagesWorthMoving: Int32 = 1000

    private var pages: Int32 = 0
    private var pagesDue = pagesWorthMoving

    /// Whether the WAL is worth being moved into the database.
    var isLong: Bool { pages >= pagesDue }

    /// Is told of the commits of `database`, which must not outlive this.
    func watch(_ database: Database) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            database.sqliteConnection,
            { context, _, _, pages in
                if let context { Unmanaged<LogLength>.fromOpaque(context).takeUnretainedValue().pages = pages }
                return SQLITE_OK
            }, context)
    }

    /// Is told of nothing any more.
    func unwatch(_ database: Database) { sqlite3_wal_hook(database.sqliteConnection, nil, nil) }

    /// Moves what no reader needs any more into the database, and waits for nobody.
    ///
    /// Where a reader or the disk was in the way it is due again when as much has come on top, not at each commit.
    func move(_ database: Database) throws {
        pagesDue = pages + Self.pagesWorthMoving
        let row = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(PASSIVE)")
        if let row, row[1] as Int == row[2] { pagesDue = Self.pagesWorthMoving }
        pages = 0
    }
}
