import EventQueue
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// DESIGN §5, rules 4 to 6 and 9 to 11: what may be acknowledged, sent and changed.
@Suite struct WriteRuleTests {
    @Test func `concurrent appends share commits`() async throws {
        let scratch = try await ScratchStore()
        let commits = CommitCounter()
        try await scratch.store.pool.writeWithoutTransaction {
            $0.add(transactionObserver: commits, extent: .databaseLifetime)
        }
        // The writer is held back until everybody has handed over, so that the group is not up to chance.
        let gate = DispatchSemaphore(value: 0)
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        async let held: Void = scratch.store.writer.alone { _ in
            arrived.finish()
            gate.wait()
        }
        // An append that came before would be committed alone, and never be among those that wait.
        for await _ in arrivals {}
        let events = try (0..<64).map { _ in try scratch.event() }
        try await withThrowingTaskGroup(of: Appended.self) { group in
            for event in events { group.addTask { try await scratch.store.append(event) } }
            while scratch.store.writer.waiting < events.count { await Task.yield() }
            gate.signal()
            for try await appended in group {
                if case .stored = appended { continue }
                Issue.record("not stored: \(appended)")
            }
        }
        try await held
        #expect(commits.count == 1)
        await scratch.store.close()
    }

    @Test func `when the commit fails, every member of the group is told so`() async throws {
        let scratch = try await ScratchStore()
        // A foreign writer: exactly what rule 1 forbids, and what must not be answered with 200.
        let foreign = try foreignConnection(scratch.scratch.database)
        try await foreign.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        try await scratch.store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA busy_timeout = 0") }
        let failures = try await withThrowingTaskGroup(of: StoreFailure.self) { group in
            for _ in 0..<5 {
                let event = try scratch.event()
                group.addTask { try await failure { _ = try await scratch.store.append(event) } }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(failures.map(\.code) == Array(repeating: "unavailable", count: 5))
        try await foreign.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try foreign.close()
        try await scratch.append()
        #expect(try await scratch.poll().envelopes.count == 1)
        await scratch.store.close()
    }

    @Test(arguments: ["", "-wal"])
    func `a file that was moved away is noticed before anything is acknowledged`(suffix: String) async throws {
        let scratch = try await ScratchStore()
        try await scratch.append()
        let path = scratch.scratch.database + suffix
        try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
        var failures = scratch.store.failures.makeAsyncIterator()
        #expect(try await failure { try await scratch.append() }.code == "broken")
        #expect(await failures.next()?.code == "broken")
        // The handle is never trusted again, even if the file comes back.
        try FileManager.default.moveItem(atPath: path + ".moved", toPath: path)
        #expect(try await failure { try await scratch.append() }.code == "broken")
        await scratch.store.close()
    }

    @Test func `a replaced file is noticed although there is one at the path`() async throws {
        let scratch = try await ScratchStore()
        try await scratch.append()
        let path = scratch.scratch.database
        try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".copy", toPath: path)
        #expect(try await failure { try await scratch.append() }.code == "broken")
        await scratch.store.close()
    }

    @Test(arguments: [EIO, ENXIO, ERANGE])
    func `a read that the disk refused is not damage, although SQLite calls it so`(refusal: Int32) async throws {
        let scratch = try await ScratchStore()
        let failure = #expect(throws: StoreFailure.self) {
            try scratch.store.guardian.judging {
                errno = refusal
                throw DatabaseError(resultCode: .SQLITE_CORRUPT)
            }
        }
        #expect(failure?.code == "unavailable")
        try await scratch.append()
        await scratch.store.close()
    }

    @Test(arguments: [ResultCode.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR])
    func `what fails before a question is asked condemns nothing`(code: ResultCode) async throws {
        let scratch = try await ScratchStore()
        #expect(scratch.store.guardian.judgeFromAfar(DatabaseError(resultCode: code)).code == "unavailable")
        try await scratch.append()
        await scratch.store.close()
    }

    @Test(arguments: [
        (ResultCode.SQLITE_IOERR_FSYNC, "broken"), (.SQLITE_IOERR_DIR_FSYNC, "broken"),
        (.SQLITE_READONLY_DBMOVED, "broken"), (.SQLITE_CORRUPT, "damaged"), (.SQLITE_NOTADB, "damaged"),
        (.SQLITE_FULL, "disk_full"), (.SQLITE_BUSY, "unavailable"), (.SQLITE_LOCKED, "unavailable"),
    ])
    func `an SQLite error is judged by what the caller can do`(code: ResultCode, verdict: String) async throws {
        let scratch = try await ScratchStore()
        let judged = scratch.store.guardian.judge(DatabaseError(resultCode: code))
        #expect(judged.code == verdict)
        // After these the handle is not used again; after the others it is.
        if ["broken", "damaged"].contains(verdict) {
            #expect(try await failure { try await scratch.append() }.code == verdict)
        } else {
            try await scratch.append()
        }
        await scratch.store.close()
    }

    @Test func `a disk without room is refused before it is touched, and recovers by itself`() async throws {
        var limits = Limits.Settings()
        limits.freeBytesMin = Int.max
        let scratch = try await ScratchStore(limits: limits)
        #expect(try await failure { try await scratch.append() }.code == "disk_full")
        // What drains a full queue still works.
        #expect(try await scratch.poll().envelopes.isEmpty)
        await scratch.store.close()
        let roomy = try await ScratchStore(in: scratch.scratch)
        try await roomy.append()
        await roomy.store.close()
    }

    @Test func `what a reload changes is taken over whole, or not at all when the disk is full`() async throws {
        let scratch = try await ScratchStore()
        var changed = scratch.store.configuration
        changed.limits.queueEventsMax = 1
        // Enough of them that their table needs another page.
        changed.sources += (0..<400).compactMap { Source.ID("new-source-number-\($0)") }
        let pages = try await scratch.store.pool.writeWithoutTransaction { database in
            try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        }
        func limit(_ pages: Int) async throws {
            try await scratch.store.pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA max_page_count = \(pages)")
            }
        }
        try await limit(pages)
        #expect(try await failure { try await scratch.store.reconfigure(changed) }.code == "disk_full")
        #expect(scratch.store.configuration.limits.queueEventsMax > 1)
        #expect(try await scratch.store.status().sources.count < 400)
        try await scratch.append(2)
        try await limit(1 << 30)
        try await scratch.store.reconfigure(changed)
        #expect(try await scratch.store.status().sources.count >= 400)
        #expect(try await failure { try await scratch.append() }.code == "over_quota")
        await scratch.store.close()
    }

    @Test func `SQLite running out of pages is a full disk, and recovers by itself`() async throws {
        let scratch = try await ScratchStore()
        try await scratch.append()
        try await scratch.store.pool.writeWithoutTransaction { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        let large = try scratch.event(#"{"type":"test","text":"\#(String(repeating: "x", count: 50_000))"}"#)
        #expect(try await failure { _ = try await scratch.store.append(large) }.code == "disk_full")
        try await scratch.store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 100000") }
        #expect(try await scratch.store.append(large) == .stored(large.id))
        #expect(try await scratch.poll().envelopes.count == 2)
        await scratch.store.close()
    }

    @Test func `the quota of events is kept`() async throws {
        var limits = Limits.Settings()
        limits.queueEventsMax = 3
        let scratch = try await ScratchStore(limits: limits)
        try await scratch.append(3)
        #expect(try await failure { try await scratch.append() }.code == "over_quota")
        await scratch.store.close()
        let again = try await ScratchStore(limits: limits, in: scratch.scratch)
        #expect(try await failure { try await again.append() }.code == "over_quota")
        await again.store.close()
    }

    @Test func `deliveries that are repeated take nothing of the quota`() async throws {
        var limits = Limits.Settings()
        limits.queueEventsMax = 3
        let scratch = try await ScratchStore(limits: limits)
        for _ in 0..<5 { _ = try await scratch.store.append(scratch.event(key: "again")) }
        try await scratch.append(2)
        #expect(try await failure { try await scratch.append() }.code == "over_quota")
        await scratch.store.close()
    }

    @Test func `an envelope that lost its hash is never sent and fails with the reason`() async throws {
        let scratch = try await ScratchStore()
        let sent = try await scratch.append(3)
        try scratch.tamper("UPDATE event SET envelope = replace(envelope, 'test', 'rust') WHERE seq = 2")
        let answer = try await scratch.poll()
        #expect(answer.envelopes.count == 2)
        #expect(try await scratch.store.state(of: sent[1], for: .standard) == .failed)
        let detail = try await scratch.store.pool.read {
            try String.fetchOne($0, sql: "SELECT detail FROM emissions WHERE seq = 2")
        }
        #expect(detail == "corrupt_envelope")
        #expect(try await scratch.poll(answer.checkpoint).envelopes.isEmpty)
        await scratch.store.close()
    }

    @Test func `corrupt envelopes alone make no batch and do not stop the events behind them`() async throws {
        let scratch = try await ScratchStore()
        try await scratch.append(2)
        try scratch.tamper("UPDATE event SET envelope = ' ' || envelope")
        #expect(try await scratch.poll() == PollAnswer(envelopes: [], checkpoint: nil))
        try await scratch.append()
        #expect(try await scratch.poll().envelopes.count == 1)
        await scratch.store.close()
    }

    @Test func `the oldest rejected requests make room, and are counted`() async throws {
        var limits = Limits.Settings()
        limits.quarantineRowsMax = 2
        let scratch = try await ScratchStore(limits: limits)
        for number in 0..<5 {
            let request = try scratch.event(#"{"n":\#(number)}"#).request
            try await scratch.store.quarantine(
                RejectedRequest(
                    source: scratch.source.id, request: request, rejection: .invalidJSON(detail: "test")))
        }
        let status = try #require(await scratch.store.status().sources.first)
        #expect(status.quarantined == 2)
        #expect(status.quarantineDropped == 3)
        await scratch.store.close()
    }
}

/// Counts the commits of the connection that it observes.
// Used on the writer's thread only, and read when nothing is written any more.
private final class CommitCounter: TransactionObserver, @unchecked Sendable {
    private(set) var count = 0

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseDidCommit(_ db: Database) { count += 1 }
    func databaseDidRollback(_ db: Database) {}
}
