import EventQueue
import Foundation
import GRDB
import Synchronization
import Testing

@testable import EventQueueSQLite

/// `backup`: a whole copy of one moment, or nothing.
@Suite struct BackupTests {
    @Test func `a backup is one private file that verifies and shows every state`() async throws {
        let every = try await EveryState()
        let target = every.scratch.scratch.path + "/backup.db"
        let receipt = try backup(every.path, to: target)
        #expect(receipt.events == 13)
        #expect(receipt.bytes == DatabaseFile.size(target))
        #expect(try files(beside: target) == ["backup.db"])
        #expect(try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int == 0o600)
        // No reader has to make a WAL beside it (https://www.sqlite.org/fileformat2.html, read and write version).
        let head = try Data(contentsOf: URL(fileURLWithPath: target))
        #expect(head[18] == 1 && head[19] == 1)
        #expect(try Verify(path: target, sources: every.sources).run { _ in }.isSound)
        #expect(try files(beside: target) == ["backup.db"])
        await every.scratch.store.close()
    }

    @Test func `a backup under load has every event that was answered before it began, and can be served`() async throws
    {
        let scratch = try await ScratchStore()
        let before = try await scratch.append(300)
        let target = scratch.scratch.path + "/backup.db"
        let isDone = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    while !isDone.isSet { try await scratch.append() }
                }
            }
            // Appends go on between the steps: the copy must not see them halfway.
            for _ in 0..<5 { _ = try backup(scratch.scratch.database, to: target) }
            isDone.set()
            try await group.waitForAll()
        }
        #expect(try Verify(path: target, sources: []).run { _ in }.isSound)
        await scratch.store.close()

        let restored = try ScratchDirectory()
        try FileManager.default.moveItem(atPath: target, toPath: restored.database)
        let served = try await ScratchStore(in: restored)
        for event in before { #expect(try await served.store.state(of: event, for: .standard) == .pending) }
        try await served.append()
        #expect(try await served.poll().envelopes.count == 100)
        await served.store.close()
    }

    @Test func `the copy is of one snapshot, whatever is written between its steps`() async throws {
        let scratch = try await ScratchStore()
        try await scratch.append(2000)
        let target = scratch.scratch.path + "/backup.db"
        var copied = 0
        let order = Backup.Order(database: scratch.scratch.database, target: target, isForced: false)
        let receipt = try Backup(order, interruption: Interruption()).run { progress in
            guard progress.stage == "copying" else { return }
            copied += 1
            // Stands for the service, whose verbs cannot be awaited within a step.
            try? scratch.tamper("UPDATE source SET quarantined = quarantined + 1")
        }
        #expect(copied > 1)
        #expect(receipt.events == 2000)
        #expect(try number("SELECT max(quarantined) FROM source", in: target) == 0)
        await scratch.store.close()
    }

    @Test func `an older backup is replaced, and what a killed process left is removed`() async throws {
        let scratch = try await ScratchStore()
        let target = scratch.scratch.path + "/backup.db"
        _ = try backup(scratch.scratch.database, to: target)
        try await scratch.append(5)
        let left = ["\(target).999999999.partial", "\(target).999999999.partial-journal"]
        // Another backup that is being made, and a file that has nothing to do with backups.
        let others = ["\(target).\(getppid()).partial", "\(target).mine.partial"]
        for path in left + others { try Data("x".utf8).write(to: URL(fileURLWithPath: path)) }
        #expect(try backup(scratch.scratch.database, to: target).events == 5)
        #expect(left.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
        #expect(others.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        await scratch.store.close()
    }

    /// Where no backup goes, and a word of why.
    static let refused: [(target: String, word: String)] = [
        ("queue.db", "live database"), ("queue.db-wal", "live database"), ("queue.db-shm", "live database"),
        ("queue.db-journal", "live database"), ("queue.db.lock", "live database"),
        ("directory/../queue.db", "live database"), ("link", "live database"), ("hard", "live database"),
        ("none/backup.db", "does not exist"), ("directory", "is not a file"), ("text", "is not a backup"),
        ("theirs.db", "is not a backup"), ("covered.db", "not empty"), ("served.db", "service's database"),
    ]

    @Test(arguments: refused)
    func `a backup never goes where it would do harm`(target: String, word: String) async throws {
        let scratch = try await ScratchStore()
        let directory = scratch.scratch.path
        let manager = FileManager.default
        try manager.createDirectory(atPath: directory + "/directory", withIntermediateDirectories: false)
        try manager.createSymbolicLink(atPath: directory + "/link", withDestinationPath: "queue.db")
        if target == "hard" { try manager.linkItem(atPath: scratch.scratch.database, toPath: directory + "/hard") }
        for name in ["text", "covered.db-wal", "served.db.lock"] {
            try Data("something".utf8).write(to: URL(fileURLWithPath: directory + "/" + name))
        }
        let theirs = try DatabaseQueue(path: directory + "/theirs.db")
        try await theirs.write { try $0.execute(sql: "CREATE TABLE theirs (x)") }
        try theirs.close()
        _ = try backup(scratch.scratch.database, to: directory + "/made.db")
        try manager.moveItem(atPath: directory + "/made.db", toPath: directory + "/served.db")
        let before = try files(beside: directory + "/x")
        let refusal = try #require(throws: AuditRefusal.self) {
            try backup(scratch.scratch.database, to: directory + "/" + target)
        }
        #expect(refusal.message.contains(word), "\(refusal)")
        #expect(!refusal.mend.isEmpty)
        #expect(try files(beside: directory + "/x") == before)
        await scratch.store.close()
    }

    @Test func `force writes over another file, but not over a database that is being served`() async throws {
        let scratch = try await ScratchStore()
        let other = try await ScratchStore()
        let text = scratch.scratch.path + "/text"
        try Data("something".utf8).write(to: URL(fileURLWithPath: text))
        _ = try backup(scratch.scratch.database, to: text, force: true)
        #expect(try Verify(path: text, sources: []).run { _ in }.isSound)
        _ = try await other.store.pool.writeWithoutTransaction { try SQLiteEventStore.emptyLog($0) }
        // Its WAL is empty, so only its lock tells that it is being served.
        #expect(throws: StartRefusal.self) {
            try backup(scratch.scratch.database, to: other.scratch.database, force: true)
        }
        try await other.append()
        await other.store.close()
        _ = try backup(scratch.scratch.database, to: other.scratch.database, force: true)
        await scratch.store.close()
    }

    @Test func `what is not a sound database of ours is not backed up`() async throws {
        let scratch = try ScratchDirectory()
        let target = scratch.path + "/backup.db"
        #expect(throws: StartRefusal.self) { try backup(scratch.database, to: target) }
        try Data(
            "no database at all, but long enough to have a header of a hundred bytes, as databases have one of these"
                .utf8
        )
        .write(to: URL(fileURLWithPath: scratch.database))
        #expect(throws: StartRefusal.self) { try backup(scratch.database, to: target) }
        #expect(try files(beside: target) == ["queue.db"])
    }

    @Test func `damaged envelopes do not replace a backup that has them whole, unless it is forced`() async throws {
        let every = try await EveryState()
        let target = every.scratch.scratch.path + "/backup.db"
        _ = try backup(every.path, to: target)
        try await every.damage("UPDATE event SET envelope = ' ' || envelope WHERE seq = 3")
        let refusal = try #require(throws: AuditRefusal.self) { try backup(every.path, to: target) }
        #expect(refusal.message.contains("(seq 3)"))
        #expect(try Verify(path: target, sources: []).run { _ in }.isSound)
        #expect(try backup(every.path, to: target, force: true).damaged == 1)
        #expect(try Verify(path: target, sources: []).run { _ in }.failed == [.envelopes])
    }

    @Test(arguments: ["copying", "checking the copy", "hashing"])
    func `an interrupted backup leaves nothing, and what was there`(stage: String) async throws {
        let scratch = try await ScratchStore()
        let target = scratch.scratch.path + "/backup.db"
        try await scratch.append()
        _ = try backup(scratch.scratch.database, to: target)
        try await scratch.append(2000)
        let before = try files(beside: target)
        let interruption = Interruption()
        let order = Backup.Order(database: scratch.scratch.database, target: target, isForced: false)
        let refusal = try #require(throws: AuditRefusal.self) {
            try Backup(order, interruption: interruption).run { if $0.stage == stage { interruption.request() } }
        }
        #expect(refusal.message.contains("interrupted"))
        #expect(try files(beside: target) == before)
        #expect(try number("SELECT count(*) FROM event", in: target) == 1)
        await scratch.store.close()
    }
}

/// Makes a backup as the verb does.
private func backup(_ database: String, to target: String, force: Bool = false) throws -> Backup.Receipt {
    let order = Backup.Order(database: database, target: target, isForced: force)
    return try Backup(order, interruption: Interruption()).run { _ in }
}

/// What is in the directory of `path`, but for the files that belong to the running service.
private func files(beside path: String) throws -> [String] {
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    let isServed = names.contains("queue.db.lock")
    return names.filter { !isServed || !$0.hasPrefix("queue.db") }
}

/// The one number that a question about the database at `path` has for an answer.
private func number(_ sql: String, in path: String) throws -> Int? {
    try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: sql) }
}

/// Tells concurrent tasks that they may end.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock(\.self) }
    func set() { state.withLock { $0 = true } }
}
