import EventQueue
import EventQueueMigrations
import EventQueueShims
import GRDB
import GRDBSQLite

/// The schema of a database: what it should be, what it is, and the steps between.
enum Schema {
    /// The number of the newest migration this program has.
    static var newest: Int { Migration.all.last?.number ?? 0 }

    /// What SQLite keeps of a schema, without its own tables and statistics.
    private static let contents = """
        SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
        WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1
        """

    /// The `user_version` of the database.
    static func version(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }

    /// Whether the database's schema is what its migrations make, to the letter.
    static func isIntact(_ database: Database, at version: Int) throws -> Bool {
        let reference = try DatabaseQueue()
        let expected = try reference.writeWithoutTransaction { memory in
            for migration in Migration.all where migration.number <= version {
                try apply(migration, to: memory)
            }
            return try String.fetchAll(memory, sql: contents)
        }
        let recorded = try String.fetchAll(database, sql: "SELECT sha256 FROM migration ORDER BY number")
        let known = Migration.all.prefix(while: { $0.number <= version }).map { fingerprint($0) }
        return try String.fetchAll(database, sql: contents) == expected && recorded == known
    }

    /// The migrations that the database does not have.
    static func pending(_ database: Database) throws -> [Migration] {
        let version = try version(database)
        return Migration.all.filter { $0.number > version }
    }

    /// Applies what is pending, each in a transaction of its own.
    ///
    /// - Returns: The names of those applied.
    static func migrate(_ database: Database, at time: Timestamp) throws -> [String] {
        try pending(database).map { migration in
            try database.inTransaction(.immediate) {
                try apply(migration, to: database)
                try database.execute(
                    sql: "INSERT INTO migration (number, name, sha256, applied_at) VALUES (?, ?, ?, ?)",
                    arguments: [migration.number, migration.name, fingerprint(migration), time.iso8601])
                // A pragma takes no arguments; both are integers of ours.
                try database.execute(
                    sql: """
                        PRAGMA user_version = \(migration.number);
                        PRAGMA application_id = \(Connections.applicationID);
                        """)
                return .commit
            }
            return migration.name
        }
    }

    /// Some change the text of the schema, which a connection need not allow by itself.
    private static func apply(_ migration: Migration, to database: Database) throws {
        let connection = database.sqliteConnection
        let wasWritable = event_queue_is_schema_writable(connection)
        let code = event_queue_set_schema_writable(connection, 1)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        defer { _ = event_queue_set_schema_writable(connection, wasWritable) }
        do {
            try database.execute(sql: migration.sql)
        } catch {
            // A migration that failed half-way may have left it on.
            try? database.execute(sql: "PRAGMA writable_schema = OFF")
            throw error
        }
    }

    private static func fingerprint(_ migration: Migration) -> String {
        Fingerprint(of: migration.sql.utf8).description
    }
}
