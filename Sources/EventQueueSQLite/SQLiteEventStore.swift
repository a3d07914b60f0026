public import EventQueue
import EventQueueShims
import Foundation
import GRDB
import GRDBSQLite
public import Logging

/// The queue in one SQLite file: one writer, group commit, `synchronous=FULL`.
///
/// The rules it keeps are DESIGN §5; each has a test. A store that is open holds the service lock, so no
/// other process writes the file.
public final class SQLiteEventStore: EventStore {
    /// What opening does with a database that lacks migrations.
    public enum Migrating: Sendable {
        /// Applies them, and makes a database where there is none.
        case always
        /// Makes a database where there is none, and refuses one that lacks some.
        case onlyNew
        /// Refuses both.
        case never
    }

    /// What to open, and how.
    public struct Configuration: Sendable {
        /// Where the database is, or will be created.
        public var path: String
        /// The sources that exist although nothing was received from them yet.
        public var sources: [Source.ID]
        /// Whether the schema may be changed.
        public var migrating = Migrating.always
        public var limits = Limits.Settings()
        /// What each consumer wants when its engine lost its checkpoint; `resume` where none is named.
        public var onRegressed: [Consumer.ID: PollRule.OnRegressed] = [:]
        /// What becomes of each consumer's events that are in doubt; `hold` where none is named.
        public var whenInDoubt: [Consumer.ID: Replay.WhenInDoubt] = [:]

        public init(path: String, sources: [Source.ID]) {
            self.path = path
            self.sources = sources
        }
    }

    private let settings: Current<Configuration>
    let file: DatabaseFile
    let pool: DatabasePool
    let writer: Writer
    let guardian: Guardian
    let doorbell: Doorbell
    let clock: TimeSource
    let logger: Logger
    let lineage: Checkpoint.Lineage
    /// How far pruning has got between two slices.
    let passes = Passes()
    /// How many events one transaction deletes or thins.
    let pruning = Pace(10...400)
    /// How many pages one transaction cuts off the file: few, because a page at its end that is in use has to be
    /// moved, at a hundred times the price of the free ones from which the pace was learnt.
    let vacuuming = Pace(16...128)
    private let lock: ServiceLock
    private let check: Task<Void, Never>

    /// What holds at this moment.
    var configuration: Configuration { settings.value }

    /// The failures after which the service must end (`broken`) or turn unready (`damaged`).
    public var failures: AsyncStream<StoreFailure> { guardian.failures }

    /// Opens the database, creating or migrating it as needed.
    ///
    /// - Parameters:
    ///   - doorbell: Rung after each commit that may have something for a waiting poll.
    ///   - onCommit: Told of each commit.
    /// - Throws: ``StartRefusal`` when the file must not be served; it is then untouched.
    public static func open(
        _ configuration: Configuration, doorbell: Doorbell, clock: @escaping TimeSource, logger: Logger,
        onCommit: @escaping CommitObserver = { _ in }
    ) async throws -> SQLiteEventStore {
        try SQLiteEventStore(configuration, doorbell, clock, logger, onCommit)
    }

    /// The SQLite that the program runs with, which decides about its bugs.
    public static var engineVersion: String { String(cString: sqlite3_libversion()) }

    private init(
        _ configuration: Configuration, _ doorbell: Doorbell, _ clock: @escaping TimeSource, _ logger: Logger,
        _ onCommit: @escaping CommitObserver
    ) throws {
        settings = Current(configuration)
        self.doorbell = doorbell
        self.clock = clock
        self.logger = logger
        file = DatabaseFile(path: configuration.path)
        // Before the lock, which would be another one.
        try Inspection.refuseLink(file)
        try Inspection.refuseUnwritable(file)
        lock = try ServiceLock(database: configuration.path)
        do {
            if configuration.migrating != .never { try file.createPrivately() }
            try Inspection.run(file)
            try Self.refusePending(file, configuration.migrating)
            pool = try Connections.openPool(path: configuration.path)
            let now = clock()
            let opened = try pool.writeWithoutTransaction { database in
                _ = try Schema.migrate(database, at: now)
                return try Self.prepare(database, configuration.sources, at: now)
            }
            lineage = opened.lineage
            guardian = Guardian(
                file: file, limits: configuration.limits, events: opened.events, logger: logger)
            writer = Writer(
                pool: pool, guardian: guardian, doorbell: doorbell, logger: logger, onCommit: onCommit)
            check = Self.checkInBackground(pool, guardian, file, logger)
        } catch let error as DatabaseError {
            lock.release()
            throw StartRefusal(
                "The database \(configuration.path) cannot be opened: \(error.message ?? "\(error.resultCode)").",
                mend: "Check its permissions, those of its directory, and the free space.")
        } catch {
            lock.release()
            throw error
        }
    }

    /// Goes by what `configuration` says from the next verb on, and knows its sources. Path and migrating are those
    /// that the store was opened with.
    ///
    /// - Throws: ``StoreFailure`` when new sources cannot be written down now; nothing has changed then.
    public func reconfigure(_ configuration: Configuration) async throws {
        let known = Set(self.configuration.sources)
        let new = configuration.sources.filter { !known.contains($0) }
        if !new.isEmpty {
            try await write { database in
                for source in new { _ = try database.sourceRow(source, insertingIfMissing: true) }
            }
        }
        settings.replace(with: configuration)
        guardian.reconfigure(configuration.limits)
    }

    /// Finishes what was handed over, empties the WAL into the database and gives the lock back.
    public func close() async {
        doorbell.shut()
        // A reader that outlives the writer would keep the WAL from being emptied.
        check.cancel()
        await check.value
        await withCheckedContinuation { continuation in
            // Waits for a commit, so it may not run on the executor of the callers it waits for.
            Thread.detachNewThread { [self] in
                writer.stop()
                // The pool closes its writer before its readers, and those cannot empty the WAL.
                try? pool.writeWithoutTransaction { _ = try Self.emptyLog($0) }
                do { try pool.close() } catch {
                    logger.error("the database was not closed cleanly", metadata: ["error": "\(error)"])
                }
                lock.release()
                continuation.resume()
            }
        }
    }

    /// Tells the verbs of the command line, which look at the lock, where this store is served.
    package func publish(url: String) { lock.publish(url: url) }

    /// The newest event's id; new ids are to sort after it.
    ///
    /// Ids that an import brought from elsewhere have no place in our order and may sort behind all of ours.
    public func lastEventID() async throws -> Event.ID? {
        try await read { try Self.lastOwnEventID($0) }
    }

    /// The lineage, the number of events, and the row of every configured source.
    private static func prepare(_ database: Database, _ sources: [Source.ID], at time: Timestamp) throws
        -> (lineage: Checkpoint.Lineage, events: Int)
    {
        var generator = SystemRandomNumberGenerator()
        let fresh = Checkpoint.Lineage.random(using: &generator)
        return try database.transaction {
            try database.run(
                "INSERT INTO queue (one, lineage, created_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING",
                [Data(fresh.bytes), time.iso8601])
            for source in sources { _ = try database.sourceRow(source, insertingIfMissing: true) }
            let stored = try Data.fetchOne(database, sql: "SELECT lineage FROM queue") ?? Data()
            guard let lineage = Checkpoint.Lineage(stored: [UInt8](stored)) else {
                throw StartRefusal(
                    "The database has lost its lineage.", mend: "Restore the last backup.")
            }
            return (lineage, try database.count("SELECT coalesce(sum(events - pruned), 0) FROM source"))
        }
    }

    /// Reads the whole file on a reader; the start does not wait for it.
    private static func checkInBackground(
        _ pool: DatabasePool, _ guardian: Guardian, _ file: DatabaseFile, _ logger: Logger
    ) -> Task<Void, Never> {
        Task.detached(priority: .background) {
            let finding: String?
            do {
                finding = try await pool.read { database in
                    // It has filled the reader's cache, which nobody asks for what is in it.
                    defer { database.releaseMemory() }
                    return try Inspection.damage(database)
                }
            } catch {
                // Closed meanwhile, or a disk that failed: nothing was found out about the file.
                guard !Task.isCancelled else { return }
                logger.warning("the database could not be checked whole", metadata: ["reason": "\(error)"])
                return
            }
            // What a start needed once would stay with the process.
            event_queue_give_freed_memory_back()
            guard let finding else { return }
            guardian.condemn(.damaged(Inspection.damageRefusal(file.path, finding).description))
        }
    }
}
