import EventQueue
import GRDB
import Logging
import Synchronization

/// Watches over every write: refuses it when it cannot be kept, and never lets a broken file be trusted
/// again (DESIGN §5, rules 4 to 6).
final class Guardian: Sendable {
    private struct State {
        var failure: StoreFailure?
        var databaseIdentity: DatabaseFile.Identity?
        var walIdentity: DatabaseFile.Identity?
        var events = 0
        var lastWriteFailed = false
    }

    private let file: DatabaseFile
    private let limits: Current<Limits.Settings>
    private let logger: Logger
    private let state: Mutex<State>
    private let reports: AsyncStream<StoreFailure>.Continuation

    /// The failures after which the handle is not used any more; each is reported once.
    let failures: AsyncStream<StoreFailure>

    init(file: DatabaseFile, limits: Limits.Settings, events: Int, logger: Logger) {
        self.file = file
        self.limits = Current(limits)
        self.logger = logger
        var state = State()
        state.databaseIdentity = DatabaseFile.identity(file.path)
        state.walIdentity = DatabaseFile.identity(file.walPath)
        state.events = events
        self.state = Mutex(state)
        (failures, reports) = AsyncStream.makeStream(of: StoreFailure.self, bufferingPolicy: .bufferingOldest(8))
    }

    /// Refuses by `limits` from the next write on.
    func reconfigure(_ limits: Limits.Settings) { self.limits.replace(with: limits) }

    /// Runs a write and lets it be acknowledged only when it is in the file that everybody else sees.
    ///
    /// - Parameter appending: How many events it adds at most; zero for what must work on a full queue.
    func guarding<Result>(appending: Int = 0, _ write: () throws -> Result) throws -> Result {
        try refuseIfFailed()
        if appending > 0 { try refuseIfFull(adding: appending) }
        do {
            let result = try judging {
                let result = try write()
                try refuseIfReplaced()
                return result
            }
            state.withLock { $0.lastWriteFailed = false }
            return result
        } catch let failure as StoreFailure {
            state.withLock { $0.lastWriteFailed = true }
            throw failure
        }
    }

    /// Whether the last write that was tried failed for what lies below us, and none has succeeded since.
    var lastWriteFailed: Bool { state.withLock(\.lastWriteFailed) }

    /// Runs a question or a write and says what an error of SQLite means for the caller.
    func judging<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try FailedRead.named(body)
        } catch let error as DatabaseError {
            throw judge(error)
        }
    }

    /// What an error of SQLite means that was met outside ``judging(_:)``, on whatever thread.
    ///
    /// Nothing is condemned for it: whether a read failed or found damage is not known. Damage that is really there
    /// is met again, by the writer at the latest.
    func judgeFromAfar(_ error: DatabaseError) -> StoreFailure {
        .unavailable("The database could not be asked: \(error.message ?? "\(error.resultCode)").")
    }

    /// Counts events that were stored; duplicates take no room.
    func noteStored(_ count: Int) { state.withLock { $0.events += count } }

    /// Marks the database as damaged: nothing is appended or handed over until an operator has acted.
    func condemn(_ failure: StoreFailure) {
        let isFirst = state.withLock { state in
            defer { state.failure = state.failure ?? failure }
            return state.failure == nil
        }
        guard isFirst else { return }
        logger.critical("the database cannot be trusted any more", metadata: ["reason": "\(failure.explanation)"])
        reports.yield(failure)
    }

    func refuseIfFailed() throws {
        if let failure = state.withLock(\.failure) { throw failure }
    }

    /// Refuses while less space is left than is to be kept free.
    func refuseIfShortOfSpace() throws {
        let floor = limits.value.freeBytesMin
        guard let free = file.freeBytes, free < Int64(floor) else { return }
        throw StoreFailure.diskFull("Less than \(floor) bytes are free (free_bytes_min).")
    }

    private func refuseIfFull(adding count: Int) throws {
        try refuseIfShortOfSpace()
        let limits = limits.value
        if state.withLock(\.events) + count > limits.queueEventsMax {
            throw StoreFailure.overQuota("The queue holds \(limits.queueEventsMax) events (queue_events_max).")
        }
        if DatabaseFile.size(file.path) + DatabaseFile.size(file.walPath) > Int64(limits.queueBytesMax) {
            throw StoreFailure.overQuota("The queue takes \(limits.queueBytesMax) bytes (queue_bytes_max).")
        }
    }

    /// A commit into a file that was renamed, replaced or unlinked succeeds and is lost.
    private func refuseIfReplaced() throws {
        let isSame = state.withLock { state in
            let wal = DatabaseFile.identity(file.walPath)
            // The WAL is made by the first write after the file was opened.
            if state.walIdentity == nil { state.walIdentity = wal }
            return state.databaseIdentity == DatabaseFile.identity(file.path) && state.walIdentity == wal
                && wal != nil
        }
        guard isSame else {
            let failure = StoreFailure.broken(
                "The database or its WAL was renamed, replaced or removed while the service had it open. "
                    + "Put the files back and start the service again.")
            condemn(failure)
            throw failure
        }
    }

    /// What an SQLite error means for a caller on the thread that met it.
    func judge(_ error: DatabaseError) -> StoreFailure {
        let text = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.extendedResultCode {
        case .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC, .SQLITE_READONLY_DBMOVED:
            // What the kernel dropped after a failed fsync is unknown (https://lwn.net/Articles/752063/).
            let failure = StoreFailure.broken("The disk did not confirm a commit: \(text). Restart the service.")
            condemn(failure)
            return failure
        default: break
        }
        switch error.resultCode {
        case .SQLITE_FULL:
            return .diskFull("The disk is full.")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            let failure = StoreFailure.damaged(
                "The database is damaged: \(text). Stop the service and restore the last backup.")
            condemn(failure)
            return failure
        case .SQLITE_IOERR, .SQLITE_CANTOPEN:
            let isFull = FailedRead.isOutOfSpace || (file.freeBytes ?? .max) < 1 << 16
            return isFull ? .diskFull("The disk is full.") : .unavailable("The disk failed: \(text).")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return .unavailable(
                "Another program holds the database locked; only the service may open it for writing.")
        default:
            return .unavailable("SQLite refused: \(text).")
        }
    }
}
