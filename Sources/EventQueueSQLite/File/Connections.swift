import GRDB

/// How connections are opened (DESIGN §5, rules 1, 2 and 8).
enum Connections {
    /// `OLPQ`: what `file(1)` and a second application see in the header.
    static let applicationID: Int32 = 0x4F4C_5051
    /// Readers get little cache: their questions touch few pages, and there may be several of them.
    private static let cacheKibibytes = 4096
    /// A foreign writer that holds the file is waited for this long before a request is refused.
    private static let busyTimeoutSeconds = 5.0
    /// The WAL is cut to this after a checkpoint that emptied it.
    private static let journalBytesMax = 16 << 20

    /// For the pool: its writer is the process's only read-write connection, its readers are read-only.
    static func pool() -> Configuration {
        var configuration = base()
        configuration.label = "orgloop-queue"
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            if !database.configuration.readonly {
                // Has an effect on an empty file only, and only now: retention gives space back with it.
                try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            }
            try prepare(database)
        }
        return configuration
    }

    /// For a look at a file before, or without, serving it.
    static func inspection() -> Configuration {
        var configuration = base()
        configuration.readonly = true
        configuration.prepareDatabase(prepare)
        return configuration
    }

    /// For a look that SQLite has to begin by undoing an interrupted commit.
    static func recovery() -> Configuration {
        var configuration = base()
        configuration.prepareDatabase(prepare)
        return configuration
    }

    /// Opens the pool and sees to it that every commit of its writer reaches the disk.
    ///
    /// - Throws: ``StartRefusal`` when SQLite does not take the setting.
    static func openPool(path: String) throws -> DatabasePool {
        let pool = try DatabasePool(path: path, configuration: pool())
        // GRDB sets NORMAL when it switches to WAL, after prepareDatabase: a power loss could then undo
        // commits that were answered (https://www.sqlite.org/pragma.html#pragma_synchronous).
        let synchronous = try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            return try Int.fetchOne(database, sql: "PRAGMA synchronous")
        }
        guard synchronous == 2 else {
            throw StartRefusal(
                "SQLite does not accept synchronous=FULL for \(path).",
                mend: "Use a SQLite library that supports it; without it, power loss could lose events.")
        }
        return pool
    }

    private static func base() -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        return configuration
    }

    @Sendable private static func prepare(_ database: Database) throws {
        try database.execute(
            sql: """
                PRAGMA trusted_schema = OFF;
                PRAGMA cell_size_check = ON;
                PRAGMA mmap_size = 0;
                PRAGMA cache_size = -\(cacheKibibytes);
                PRAGMA journal_size_limit = \(journalBytesMax);
                """)
    }
}
