import EventQueue
import EventQueueConformance
import EventQueueMigrations
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// The record of which secrets the sources were configured with, as it lies in the file.
@Suite struct SecretHistoryTests {
    @Test func `the view has a row for each time of use`() async throws {
        let scratch = try await ScratchStore()
        let (old, new) = Self.uses(scratch)
        try await scratch.store.recordSecrets([old])
        let began = scratch.setUp.clock.now.iso8601
        scratch.setUp.clock.move(by: .seconds(1))
        try await scratch.store.recordSecrets([new])
        let now = scratch.setUp.clock.now.iso8601
        let rows = try scratch.store.pool.read { try Row.fetchAll($0, sql: "SELECT * FROM secrets") }
        #expect(
            rows.first.map { Array($0.columnNames) }
                == ["source", "key_id", "scheme", "configured_at", "dropped_at"])
        #expect(
            rows.map { row in row.databaseValues.map { String.fromDatabaseValue($0) } } == [
                [scratch.source.id.rawValue, old.keyID, "hub", began, now],
                [scratch.source.id.rawValue, new.keyID, "hub", now, nil],
            ])
        await scratch.store.close()
    }

    @Test func `a start with the same secrets writes nothing, also on a full disk`() async throws {
        let scratch = try await ScratchStore()
        let (old, new) = Self.uses(scratch)
        try await scratch.store.recordSecrets([old, new])
        try await scratch.store.pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA max_page_count = 1")
        }
        try await scratch.store.recordSecrets([old, new])
        #expect(DatabaseFile.size(scratch.scratch.database + "-wal") == 0)
        await scratch.store.close()
    }

    @Test func `what a full disk keeps from being recorded is recorded by a later attempt, as a whole`() async throws {
        let scratch = try await ScratchStore()
        let (old, new) = Self.uses(scratch)
        // Enough of them that the tables need another page.
        let many = (0..<400).map { number in
            Secret.Use(source: scratch.source.id, keyID: String(0x1000_0000 + number, radix: 16), scheme: "hub")
        }
        try await scratch.store.recordSecrets([old])
        let pages = try await scratch.store.pool.writeWithoutTransaction { database in
            try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        }
        try await Self.limit(scratch, pages)
        #expect(try await failure { try await scratch.store.recordSecrets([new] + many) }.code == "disk_full")
        #expect(try await scratch.store.secretHistory().map(\.use) == [old])
        #expect(try await scratch.store.secretHistory().allSatisfy { $0.droppedAt == nil })
        try await Self.limit(scratch, 1 << 30)
        try await scratch.store.recordSecrets([new] + many)
        let inUse = try await scratch.store.secretHistory().filter { $0.droppedAt == nil }.map(\.use)
        #expect(inUse == [new] + many)
        await scratch.store.close()
    }

    @Test(arguments: ["hush-hush-hush", "HUSHHUSH", "hushhush", "0a0a0a0", ""])
    func `nothing but a key id gets into the record`(_ text: String) async throws {
        let scratch = try await ScratchStore()
        let use = Secret.Use(source: scratch.source.id, keyID: text, scheme: "hub")
        await #expect(throws: StoreFailure.self) { try await scratch.store.recordSecrets([use]) }
        #expect(try await scratch.store.secretHistory().isEmpty)
        await scratch.store.close()
    }

    @Test func `retention leaves the record alone`() async throws {
        let scratch = try await ScratchStore()
        let (old, new) = Self.uses(scratch)
        try await scratch.store.recordSecrets([old])
        try await scratch.store.recordSecrets([new])
        try await scratch.append()
        let last = try await scratch.poll().checkpoint
        _ = try await scratch.poll(last)
        scratch.setUp.clock.move(by: .seconds(60))
        while try await !scratch.store.prune(Retention(keep: .seconds(1))).isDone {}
        #expect(try await scratch.store.secretHistory().map(\.use) == [old, new])
        await scratch.store.close()
    }

    // MARK: verify

    @Test func `verify tells each key: how many events, when it was in use, and what nobody can check`() async throws {
        let scratch = try await ScratchStore()
        let (new, old) = (SignedSender(scratch.source.id), SignedSender(scratch.source.id, secret: Self.old))
        for sender in [old, old, new] { _ = try await scratch.store.append(sender.event(#"{"type":"a"}"#)) }
        let (oldUse, newUse) = Self.uses(scratch)
        try await scratch.store.recordSecrets([oldUse])
        let began = scratch.setUp.clock.now
        scratch.setUp.clock.move(by: .seconds(1))
        try await scratch.store.recordSecrets([newUse])
        await scratch.store.close()
        let report = try Verify(path: scratch.scratch.database, sources: [Self.source(scratch, [Self.new])])
            .run { _ in }
        #expect(report.isSound, "\(report)")
        #expect(report[.signatures]?["verified"] == 1)
        #expect(report[.signatures]?["not_checked"] == 2)
        let now = scratch.setUp.clock.now
        let keys = Dictionary(uniqueKeysWithValues: report.keys.map { ($0.keyID, $0) })
        #expect(keys.count == 2)
        #expect(keys[oldUse.keyID]?.standing == .dropped(now))
        #expect(keys[oldUse.keyID]?.events == 2)
        #expect(keys[oldUse.keyID]?.notChecked == 2)
        #expect(
            keys[oldUse.keyID]?.periods == [Secret.Period(use: oldUse, configuredAt: began, droppedAt: now)])
        #expect(keys[newUse.keyID]?.standing == .configured)
        #expect(keys[newUse.keyID]?.events == 1)
        #expect(keys[newUse.keyID]?.notChecked == 0)
    }

    @Test func `verify without the service's configuration says that the key is in use`() async throws {
        let scratch = try await ScratchStore()
        _ = try await scratch.store.append(SignedSender(scratch.source.id).event(#"{"type":"a"}"#))
        try await scratch.store.recordSecrets([Self.uses(scratch).new])
        await scratch.store.close()
        let report = try Verify(path: scratch.scratch.database, sources: []).run { _ in }
        #expect(report.keys.map(\.standing) == [.inUse])
        #expect(report.keys.map(\.notChecked) == [1])
    }

    @Test func `verify counts the events of a key that have no body left, and says when it was last used`() async throws
    {
        let every = try await EveryState()
        try await every.damage("UPDATE event SET envelope = NULL, body = NULL WHERE seq = 10")
        let report = try every.verify()
        #expect(report.isSound, "\(report)")
        // Ten signed ones of two sources; the thinned one is among them.
        #expect(report.keys.map(\.events) == [9, 1])
        #expect(report.keys.map(\.notChecked) == [0, 0])
        #expect(report.keys.allSatisfy { $0.newestAt == "2025-11-24T16:00:00.000Z" }, "\(report.keys)")
    }

    @Test func `verify of a file of the first version knows no history and is no failure`() throws {
        let scratch = try ScratchDirectory()
        try Self.makeOld(scratch.database)
        let report = try Verify(path: scratch.database, sources: []).run { _ in }
        #expect(report.isSound, "\(report)")
        #expect(report.keys.map(\.standing) == [.unknown])
        #expect(report.keys.map(\.keyID) == ["0a0a0a0a"])
        #expect(report.keys.map(\.periods) == [[]])
    }

    @Test func `a damaged record is no end of the audit`() async throws {
        let every = try await EveryState()
        try await every.scratch.store.recordSecrets([Self.uses(every.scratch).new])
        try await every.damage("UPDATE secret SET configured_at = 'when it was new', key_id = 7")
        let report = try every.verify()
        #expect(report.checks.map(\.name) == AuditCheck.Name.allCases)
        #expect(report.keys.count == 2)
    }

    @Test func `of very many keys some are listed and the others counted`() {
        var tally = KeyTally()
        for number in 0..<KeyTally.keysMax + 5 {
            for _ in 0..<2 { tally.add("\(number)", of: "a", receivedAt: "", isChecked: false) }
        }
        #expect(tally.keys([:], []).count == KeyTally.keysMax)
        #expect(tally.leftOut == 10)
    }

    // MARK: Helpers

    private static let (new, old) = (SignedSender.secrets[0], SignedSender.secrets[1])

    private static func uses(_ scratch: ScratchStore) -> (old: Secret.Use, new: Secret.Use) {
        func use(_ text: String) -> Secret.Use {
            Secret.Use(source: scratch.source.id, keyID: Secret(text)?.keyID ?? "", scheme: "hub")
        }
        return (use(old), use(new))
    }

    private static func source(_ scratch: ScratchStore, _ secrets: [String]) -> Source {
        Source(
            id: scratch.source.id, kind: .webhook(eventTypeField: ["type"]),
            verifier: Verifier(scheme: .hub, secrets: secrets.compactMap { Secret($0) }))
    }

    private static func limit(_ scratch: ScratchStore, _ pages: Int) async throws {
        try await scratch.store.pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
    }

    /// A database as the first version of this program made it, with a signed event that was thinned.
    private static func makeOld(_ path: String) throws {
        let first = Migration.all[0]
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: first.sql)
            try database.execute(
                sql: "INSERT INTO migration VALUES (?, ?, ?, '2026-01-01T00:00:00.000Z')",
                arguments: [first.number, first.name, Fingerprint(of: first.sql.utf8).description])
            try database.execute(
                sql: """
                    INSERT INTO source (name, events) VALUES ('a', 1);
                    INSERT INTO event (id, source_id, type, platform_event, received_at, verification, key_id, headers,
                        body_sha256, envelope_sha256)
                    VALUES ('evt_1', 1, 'actor.stopped', 'x', '2026-01-01T00:00:00.000Z', 'hub', '0a0a0a0a', '{}',
                        zeroblob(32), zeroblob(32));
                    PRAGMA user_version = 1;
                    PRAGMA application_id = \(Connections.applicationID);
                    """)
        }
    }
}
