import EventQueue
import Foundation
import GRDB
import Logging
import Synchronization

/// The one thread that writes: it commits appends in groups and runs every other verb alone.
///
/// Callers hand over work and are told later; what waits while a commit is under way shares the next one. All
/// bookkeeping is on the thread, so nothing here needs a lock but the queue of work.
final class Writer: Sendable {
    /// Work for the thread. A job is told its result only after the commit it belongs to.
    enum Job: Sendable {
        case append(AppendGroup.Member)
        /// Runs on the thread and resumes its own caller; without a pool, to say that it was refused.
        case alone(@Sendable (DatabasePool?) -> Void)
    }

    private struct State {
        var jobs: [Job] = []
        var isStopping = false
    }

    /// More appends in one transaction make the first of them wait longer than a commit takes.
    private static let groupEventsMax = 256

    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let stopped = DispatchSemaphore(value: 0)
    private let onCommit: CommitObserver

    /// Starts the thread.
    init(
        pool: DatabasePool, guardian: Guardian, doorbell: Doorbell, logger: Logger,
        onCommit: @escaping CommitObserver
    ) {
        self.onCommit = onCommit
        let thread = Thread { [self] in
            Thread.current.name = "orgloop-queue-writer"
            let group = AppendGroup(guardian: guardian, doorbell: doorbell, onCommit: onCommit)
            let log = LogLength()
            pool.writeWithoutTransaction { log.watch($0) }
            while let jobs = nextJobs() {
                run(jobs, pool, group)
                guard log.isLong else { continue }
                Self.move(log, pool, guardian, logger)
            }
            pool.writeWithoutTransaction { log.unwatch($0) }
            stopped.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Appends with whatever else waits for the next commit.
    ///
    /// - Parameter receipt: Called on the thread after the commit; the other members wait for it.
    func append(_ event: NewEvent, then receipt: @escaping AppendGroup.Receipt) {
        submit(.append(AppendGroup.Member(event: event, receipt: receipt)))
    }

    /// Runs `verb` in a transaction of its own and returns after its commit.
    ///
    /// - Parameter appending: How many events it adds at most.
    func transaction<Result: Sendable>(
        _ guardian: Guardian, appending: Int = 0, _ verb: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        let onCommit = onCommit
        return try await alone { pool in
            let begin = ContinuousClock.now
            let result = try guardian.guarding(appending: appending) {
                try pool.writeWithoutTransaction { database in
                    try database.transaction { try verb(database) }
                }
            }
            onCommit(Commit(events: appending, duration: begin.duration(to: .now)))
            return result
        }
    }

    /// Runs `body` on the thread, outside any transaction.
    func alone<Result: Sendable>(
        _ body: @escaping @Sendable (DatabasePool) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit(
                .alone { pool in
                    continuation.resume(
                        with: Swift.Result {
                            guard let pool else { throw Self.stopping }
                            return try body(pool)
                        })
                })
        }
    }

    /// How many jobs wait for the thread.
    var waiting: Int { state.withLock(\.jobs.count) }

    /// Finishes what was handed over, then ends the thread. Work that comes later is refused.
    func stop() {
        let first = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        guard first else { return }
        work.signal()
        stopped.wait()
    }

    private func submit(_ job: Job) {
        // Nil where it is refused. Whoever finds jobs in the queue finds the thread told of them, too.
        let isFirst: Bool? = state.withLock { state in
            guard !state.isStopping else { return nil }
            state.jobs.append(job)
            return state.jobs.count == 1
        }
        guard let isFirst else { return refuse(job) }
        if isFirst { work.signal() }
    }

    private static let stopping = StoreFailure.unavailable("The service is stopping.")

    private func refuse(_ job: Job) {
        switch job {
        case .append(let member): member.receipt(.failure(Self.stopping))
        case .alone(let body): body(nil)
        }
    }

    /// Waits for work; `nil` when there will be none.
    private func nextJobs() -> [Job]? {
        while true {
            work.wait()
            let (jobs, isStopping) = state.withLock { state in
                defer { state.jobs = [] }
                return (state.jobs, state.isStopping)
            }
            if !jobs.isEmpty { return jobs }
            if isStopping { return nil }
        }
    }

    /// Empties the WAL between two commits: whoever waited for the last one has been answered.
    private static func move(_ log: LogLength, _ pool: DatabasePool, _ guardian: Guardian, _ logger: Logger) {
        do {
            try guardian.guarding { try pool.writeWithoutTransaction { try log.move($0) } }
        } catch {
            logger.warning("the WAL was not moved into the database", metadata: ["reason": "\(error)"])
        }
    }

    private func run(_ jobs: [Job], _ pool: DatabasePool, _ group: AppendGroup) {
        for job in jobs {
            switch job {
            case .append(let member):
                group.add(member)
                if group.count >= Self.groupEventsMax { group.commit(in: pool) }
            case .alone(let body):
                // Appends that were handed over before it are committed before it.
                group.commit(in: pool)
                body(pool)
            }
        }
        group.commit(in: pool)
    }
}

extension Database {
    /// Runs `body` in an immediate transaction and returns its result after the commit.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        var result: Swift.Result<Result, any Error> = .failure(CancellationError())
        try inTransaction(.immediate) {
            result = .success(try body())
            return .commit
        }
        return try result.get()
    }
}
