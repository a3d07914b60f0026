public import EventQueue
import GRDB
import Logging

/// Retention: events that nobody needs any more are deleted or thinned, and their space is given back.
extension SQLiteEventStore {
    /// Events that a sweep looks at in one question to a reader.
    private static let pageEvents = 1000
    /// A slice ends after this, so that its caller can show how far it is and can stop.
    private static let sliceTime: Duration = .milliseconds(250)
    /// Free pages that stay in the file for the events to come.
    private static let sparePages = 64

    public func prune(_ retention: Retention) async throws -> Pruned {
        let deadline = ContinuousClock.now + Self.sliceTime
        var pruned = Pruned()
        let steps = try await steps(of: retention, at: clock())
        var pass = passes.take(retention)
        defer { passes.leave(pass, of: retention) }
        while pass.step < steps.count {
            let step = steps[pass.step]
            if pass.after == nil { pass.after = try await start(of: step.expiry) }
            while let from = pass.after {
                guard try await applies(step) else { break }
                let page = try await read { try step.expiry.page(after: from, limit: Self.pageEvents, in: $0) }
                let before = pruned
                try await carryOut(step, page.expired, &pruned)
                // What was only seen to be done with may be needed again by now.
                pass.hasWorked = pass.hasWorked || pruned != before
                pass.after = page.next
                // Behind the work, so that every slice comes further, on a busy machine too.
                guard ContinuousClock.now < deadline || pass.after == nil else { return pruned }
            }
            if step.expiry.fate == .thinned { try await noteThinned(of: step.expiry) }
            pass.step += 1
            pass.after = nil
            guard ContinuousClock.now < deadline || pass.step == steps.count else { return pruned }
        }
        let (freed, isComplete) = try await giveBackSpace(until: deadline)
        pruned.freedBytes = freed
        guard isComplete else { return pruned }
        // What was deleted may have uncovered more, so only a pass without work is the last one.
        pruned.isDone = !pass.hasWorked
        pass = Pass()
        if pruned.isDone { try await emptyLog() }
        return pruned
    }

    public func forecastPrune(_ retention: Retention) async throws -> PruneForecast {
        var forecast = PruneForecast()
        let now = clock()
        let sources = try await read(Self.sourceRows)
        for expiry in expiries(retention, sources, at: now) {
            let (done, held) = try await count(expiry)
            if expiry.fate == .thinned { forecast.thins += done } else { forecast.deletes += done }
            forecast.held = max(forecast.held, held)
        }
        guard let bytesMax = retention.bytesMax else { return forecast }
        let (used, events) = try await read { (try Self.usedBytes($0), try Self.storedEvents($0)) }
        guard used > bytesMax, events > 0 else { return forecast }
        var free = 0
        for source in sources {
            free += try await count(bySize(source, at: now)).done
        }
        // By the average size of an event; what is really deleted depends on which ones go.
        let excess = Int((used - bytesMax) * Int64(events) / used) + 1
        forecast.deletes = max(forecast.deletes, min(free, excess))
        return forecast
    }

    // MARK: Sweeps

    /// One sweep over a source.
    private struct Step {
        let expiry: Expiry
        /// It goes on only while the content takes more than this.
        var bytesMax: Int64?
    }

    /// What `retention` asks for, source by source: deleting first, so that nothing is thinned in vain.
    private func steps(of retention: Retention, at now: Timestamp) async throws -> [Step] {
        let sources = try await read(Self.sourceRows)
        let untilItFits = retention.bytesMax.map { bytesMax in
            sources.map { Step(expiry: bySize($0, at: now), bytesMax: bytesMax) }
        }
        return expiries(retention, sources, at: now).map { Step(expiry: $0) } + (untilItFits ?? [])
    }

    private func expiries(_ retention: Retention, _ sources: [Int64], at now: Timestamp) -> [Expiry] {
        let bounds: [(Expiry.Fate, Duration?)] = [(.deleted, retention.keep), (.thinned, retention.thin)]
        return bounds.flatMap { fate, age in
            age.map { age in
                let cutoff = now.advanced(by: .zero - age)
                return sources.map {
                    Expiry(
                        fate: fate, source: $0, cutoff: cutoff, confirmedCutoff: cutoff,
                        vouchedCutoff: min(cutoff, vouched(at: now)))
                }
            } ?? []
        }
    }

    /// The bound by size takes what is settled whatever its age, and what is not once it can hardly be any more.
    private func bySize(_ source: Int64, at now: Timestamp) -> Expiry {
        Expiry(
            fate: .deleted, source: source, cutoff: now, confirmedCutoff: vouched(at: now),
            vouchedCutoff: vouched(at: now))
    }

    private func vouched(at now: Timestamp) -> Timestamp {
        now.advanced(by: .zero - configuration.limits.settleAfterMax)
    }

    private func applies(_ step: Step) async throws -> Bool {
        guard let bytesMax = step.bytesMax else { return true }
        return try await read(Self.usedBytes) > bytesMax
    }

    /// Where a sweep begins: thinning passes over what is thinned already.
    private func start(of expiry: Expiry) async throws -> Int64? {
        guard expiry.fate == .thinned else { return 0 }
        return try await read {
            try $0.first("SELECT thinned_through FROM source WHERE id = ?", [expiry.source])?["thinned_through"]
        }
    }

    private func carryOut(_ step: Step, _ sequences: [Int64], _ pruned: inout Pruned) async throws {
        let expiry = step.expiry
        var rest = sequences[...]
        while !rest.isEmpty, try await applies(step) {
            let chunk = Array(rest.prefix(pruning.next))
            rest = rest.dropFirst(chunk.count)
            let done = try await paced(pruning, amount: chunk.count) { database in
                try database.transaction { try expiry.apply(to: chunk, in: database) }
            }
            switch expiry.fate {
            case .deleted:
                pruned.deleted += done
                guardian.noteStored(-done)
            case .thinned: pruned.thinned += done
            }
        }
    }

    /// Moves the mark up to which a source has no content left.
    private func noteThinned(of expiry: Expiry) async throws {
        let source = expiry.source
        let through = try await read { database in
            try database.first(
                """
                SELECT coalesce(
                    (SELECT min(seq) - 1 FROM event WHERE source_id = ?1 AND envelope IS NOT NULL
                        AND seq > (SELECT thinned_through FROM source WHERE id = ?1)),
                    (SELECT max(seq) FROM event WHERE source_id = ?1), 0) AS seq
                """, [source])?["seq"] as Int64?
        }
        guard let through else { return }
        try await write { database in
            try database.run(
                "UPDATE source SET thinned_through = ?1 WHERE id = ?2 AND thinned_through < ?1", [through, source])
        }
    }

    private func count(_ expiry: Expiry) async throws -> (done: Int, held: Int) {
        var result = (done: 0, held: try await read { try expiry.beyondSlowest(in: $0) })
        var after = try await start(of: expiry)
        while let from = after {
            let page = try await read { try expiry.page(after: from, limit: Self.pageEvents, in: $0) }
            result.done += page.expired.count
            result.held += page.held
            after = page.next
        }
        return result
    }

    // MARK: Space

    /// Cuts free pages off the end of the file, some at a time
    /// (https://www.sqlite.org/pragma.html#pragma_incremental_vacuum).
    ///
    /// - Returns: How many bytes, and whether that was all.
    private func giveBackSpace(until deadline: ContinuousClock.Instant) async throws -> (Int64, isComplete: Bool) {
        var freed: Int64 = 0
        while true {
            let free = try await read { try Int.fetchOne($0, sql: "PRAGMA freelist_count") ?? 0 }
            let amount = min(vacuuming.next, free - Self.sparePages)
            guard amount > 0 else { return (freed, true) }
            let bytes = try await paced(vacuuming, amount: amount) { database -> Int64 in
                let before = try Self.fileBytes(database)
                try database.execute(sql: "PRAGMA incremental_vacuum(\(amount))")
                return before - (try Self.fileBytes(database))
            }
            // A file that was not made for it keeps its free pages for what comes.
            guard bytes > 0 else { return (freed, true) }
            freed += bytes
            guard ContinuousClock.now < deadline else { return (freed, false) }
        }
    }

    /// Runs `work` on the writer and lets the pace learn how long it took.
    private func paced<Result: Sendable>(
        _ pace: Pace, amount: Int, _ work: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        let guardian = guardian
        return try await writer.alone { pool in
            let begin = ContinuousClock.now
            defer { pace.took(ContinuousClock.now - begin, for: amount) }
            return try guardian.guarding { try pool.writeWithoutTransaction(work) }
        }
    }

    @Sendable private static func sourceRows(_ database: Database) throws -> [Int64] {
        try Int64.fetchAll(database, sql: "SELECT id FROM source ORDER BY id")
    }

    private static func storedEvents(_ database: Database) throws -> Int {
        try database.count("SELECT coalesce(sum(events - pruned), 0) FROM source")
    }

    private static func fileBytes(_ database: Database) throws -> Int64 {
        try pages("page_count", database)
    }

    /// What the content takes, without the pages that are free.
    @Sendable private static func usedBytes(_ database: Database) throws -> Int64 {
        try pages("page_count", database) - pages("freelist_count", database)
    }

    private static func pages(_ pragma: String, _ database: Database) throws -> Int64 {
        let count = try Int64.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0
        return count * (try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 0)
    }
}
