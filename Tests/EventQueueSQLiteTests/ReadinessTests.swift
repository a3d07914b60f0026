import EventQueue
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// DESIGN §7: `/ready` tells whether the store can commit, also when nobody sends anything.
@Suite struct ReadinessTests {
    @Test func `after a failed write the store is ready again by a commit of its own`() async throws {
        let scratch = try await ScratchStore()
        #expect(await scratch.store.obstacle() == nil)
        let foreign = try foreignConnection(scratch.scratch.database)
        try await foreign.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        try await scratch.store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA busy_timeout = 0") }
        _ = try await failure { try await scratch.append() }
        #expect(await scratch.store.obstacle()?.code == "unavailable")
        try await foreign.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try foreign.close()
        let log = DatabaseFile.size(scratch.store.file.walPath)
        #expect(await scratch.store.obstacle() == nil)
        #expect(DatabaseFile.size(scratch.store.file.walPath) > log, "it wrote nothing")
        // Nothing more is tried while commits succeed.
        let tried = DatabaseFile.size(scratch.store.file.walPath)
        #expect(await scratch.store.obstacle() == nil)
        #expect(DatabaseFile.size(scratch.store.file.walPath) == tried)
        await scratch.store.close()
    }

    @Test func `a store is not ready while less space is left than is to be kept free`() async throws {
        let scratch = try await ScratchStore(limits: limits { $0.freeBytesMin = .max })
        #expect(await scratch.store.obstacle()?.code == "disk_full")
        await scratch.store.close()
    }

    @Test func `a full quota keeps nobody from reading, so the store stays ready`() async throws {
        let scratch = try await ScratchStore(limits: limits { $0.queueEventsMax = 1 })
        try await scratch.append()
        #expect(try await failure { try await scratch.append() }.code == "over_quota")
        #expect(await scratch.store.obstacle() == nil)
        await scratch.store.close()
    }

    @Test func `a refusal of the protocol is no failed write`() async throws {
        let scratch = try await ScratchStore()
        let cursor = Cursor.Key(consumer: .standard, source: scratch.source.id)
        await #expect(throws: ProtocolRefusal.self) {
            _ = try await scratch.store.poll(PollRequest(cursor: cursor, checkpoint: "of somewhere else"))
        }
        #expect(!scratch.store.guardian.lastWriteFailed)
        await scratch.store.close()
    }

    private func limits(_ change: (inout Limits.Settings) -> Void) -> Limits.Settings {
        var limits = Limits.Settings()
        change(&limits)
        return limits
    }
}
