import EventQueue
import EventQueueConformance
import EventQueueMigrations
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// DESIGN §5, rules 7 and 12: which files are not served, and that they stay as they are.
@Suite struct StartTests {
    @Test func `a second service is refused and told who has the file`() async throws {
        let scratch = try await ScratchStore()
        let refusal = try await refusal(opening: scratch.scratch.database)
        #expect(refusal.message.contains("pid \(ProcessInfo.processInfo.processIdentifier)"))
        await scratch.store.close()
        let next = try await ScratchStore(in: scratch.scratch)
        await next.store.close()
    }

    /// Each way in which a file is not ours, and a word of what its refusal says.
    static let foreign: [(sql: String, word: String)] = [
        ("PRAGMA application_id = 7", "another program"),
        ("PRAGMA user_version = 99", "newer version"),
        ("CREATE INDEX mine ON event (type)", "schema"),
        ("DROP TRIGGER replay_is_never_changed", "schema"),
        ("UPDATE migration SET sha256 = replace(hex(zeroblob(32)), '00', 'ab')", "schema"),
    ]

    @Test(arguments: foreign)
    func `a file that is not as we made it is refused and stays as it is`(sql: String, word: String)
        async throws
    {
        let scratch = try await ScratchStore()
        try await scratch.append(3)
        await scratch.store.close()
        try scratch.tamper(sql)
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.scratch.database))
        let refusal = try await refusal(opening: scratch.scratch.database)
        #expect(refusal.message.contains(word))
        #expect(!refusal.mend.isEmpty)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.scratch.database)) == before)
    }

    @Test func `a file of another program is refused and stays as it is`() async throws {
        let scratch = try ScratchDirectory()
        let other = try DatabaseQueue(path: scratch.database)
        try await other.write { try $0.execute(sql: "CREATE TABLE theirs (x)") }
        try other.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.database))
        #expect(try await refusal(opening: scratch.database).message.contains("another program"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.database)) == before)
    }

    @Test(arguments: [(0, "first page"), (20, "first page"), (8192, "damaged")])
    func `a damaged file is refused and stays as it is`(offset: Int, word: String) async throws {
        let scratch = try await ScratchStore()
        try await scratch.append(50)
        await scratch.store.close()
        let path = scratch.scratch.database
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes.replaceSubrange(offset..<offset + 600, with: Data(repeating: 0xA5, count: 600))
        try bytes.write(to: URL(fileURLWithPath: path))
        let refusal = try await refusal(opening: path)
        #expect(refusal.message.contains(word))
        #expect(refusal.mend.contains("restore the last backup") || refusal.mend.contains(".dump"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test func `a file that is no database is called that, and not a damaged one`() async throws {
        let scratch = try ScratchDirectory()
        let text = Data(String(repeating: "a shopping list\n", count: 400).utf8)
        try text.write(to: URL(fileURLWithPath: scratch.database))
        let refusal = try await refusal(opening: scratch.database)
        #expect(refusal.message.contains("is not a SQLite database"))
        #expect(!refusal.message.contains("damaged"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.database)) == text)
    }

    @Test(arguments: [SQLiteEventStore.Migrating.never, .onlyNew])
    func `a database of an older version is refused by whoever may not migrate it, and stays as it is`(
        _ migrating: SQLiteEventStore.Migrating
    ) async throws {
        let scratch = try ScratchDirectory()
        try Self.makeOld(scratch.database)
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.database))
        let refusal = try await refusal(opening: scratch.database, migrating: migrating)
        #expect(refusal.message.contains(Migration.all[1].name))
        #expect(refusal.mend.contains("orgloop-queue migrate --database \(scratch.database)"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.database)) == before)
        let store = try await SQLiteHarness.open(scratch.database, ConformanceSetUp(), Limits.Settings())
        await store.close()
        #expect(try SQLiteEventStore.migrationPlan(path: scratch.database).pending == [])
    }

    @Test func `a database is begun by whoever may, and by nobody else`() async throws {
        let scratch = try ScratchDirectory()
        let refusal = try await refusal(opening: scratch.database, migrating: .never)
        #expect(refusal.message.contains("holds nothing yet"))
        #expect(!FileManager.default.fileExists(atPath: scratch.database))
        let store = try await SQLiteHarness.open(
            scratch.database, ConformanceSetUp(), Limits.Settings(), migrating: .onlyNew)
        await store.close()
        #expect(try SQLiteEventStore.migrationPlan(path: scratch.database).pending == [])
    }

    /// A database as the first version of this program made it.
    private static func makeOld(_ path: String) throws {
        let first = Migration.all[0]
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: first.sql)
            try database.execute(
                sql: "INSERT INTO migration VALUES (?, ?, ?, '2026-01-01T00:00:00.000Z')",
                arguments: [first.number, first.name, Fingerprint(of: first.sql.utf8).description])
            try database.execute(
                sql: "PRAGMA user_version = 1; PRAGMA application_id = \(Connections.applicationID)")
        }
    }

    @Test(arguments: [true, false])
    func `checks refuse what they always did and make no index for each row, in old databases and in new ones`(
        _ isOld: Bool
    ) async throws {
        let scratch = try ScratchDirectory()
        if isOld { try Self.makeOld(scratch.database) }
        let store = try await SQLiteHarness.open(scratch.database, ConformanceSetUp(), Limits.Settings())
        let event = """
            INSERT INTO event (source_id, id, type, platform_event, received_at, verification, headers, body_sha256,
                envelope_sha256) VALUES (1, 'evt_1', ?, 'session.exited', '2026-01-01T00:00:00.000Z', 'none', '{}',
                zeroblob(32), zeroblob(32))
            """
        let emission = """
            INSERT INTO emission (seq, cursor_id, emission_no, outcome, settled_at)
            VALUES (1, 1, 1, ?, '2026-01-01T00:00:00.000Z')
            """
        try await store.pool.writeWithoutTransaction { database in
            // Checks alone are asked about.
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            for (insertion, values) in [
                (event, ["actor.stopped", "resource.changed", "message.received"]),
                (emission, ["delivered", "dropped", "no_route", "failed"]),
            ] {
                let steps = try Row.fetchAll(database, sql: "EXPLAIN " + insertion, arguments: [values[0]])
                #expect(!steps.isEmpty)
                #expect(!steps.contains { $0["opcode"] == "OpenEphemeral" })
                for value in values {
                    try database.inSavepoint {
                        try database.execute(sql: insertion, arguments: [value])
                        return .rollback
                    }
                }
                for wrong in ["actor.started", "Delivered", ""] {
                    #expect(throws: DatabaseError.self) {
                        try database.execute(sql: insertion, arguments: [wrong])
                    }
                }
            }
            #expect(try String.fetchAll(database, sql: "PRAGMA integrity_check") == ["ok"])
        }
        await store.close()
        // What is compared at the start is the text of the schema.
        let again = try await SQLiteHarness.open(scratch.database, ConformanceSetUp(), Limits.Settings())
        await again.close()
    }

    @Test func `a second hard link is refused`() async throws {
        let scratch = try await ScratchStore()
        await scratch.store.close()
        try FileManager.default.linkItem(
            atPath: scratch.scratch.database, toPath: scratch.scratch.path + "/second.db")
        #expect(try await refusal(opening: scratch.scratch.database).message.contains("hard links"))
    }

    @Test func `a symbolic link is refused, and nothing is made beside it`() async throws {
        let scratch = try await ScratchStore()
        let link = scratch.scratch.path + "/link.db"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: scratch.scratch.database)
        let refusal = try await refusal(opening: link)
        #expect(refusal.message.contains("symbolic link"))
        #expect(refusal.mend.contains("queue.db"))
        #expect(!FileManager.default.fileExists(atPath: link + ".lock"))
        await scratch.store.close()
    }

    @Test func `network file systems are told from local ones, by the longest mount point`() {
        let mounts = """
            21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            40 21 0:44 / /home rw - nfs4 server:/home rw
            41 40 8:2 / /home/ada/local\\040disk rw - xfs /dev/sdb1 rw
            """
        #expect(NetworkFileSystem.type(of: "/var/lib", mounts: mounts) == "ext4")
        #expect(NetworkFileSystem.type(of: "/home/ada", mounts: mounts) == "nfs4")
        #expect(NetworkFileSystem.type(of: "/homework", mounts: mounts) == "ext4")
        #expect(NetworkFileSystem.type(of: "/home/ada/local disk/q", mounts: mounts) == "xfs")
        #expect(["nfs4", "cifs", "9p", "fuse.sshfs"].allSatisfy(NetworkFileSystem.isNetwork))
        #expect(
            !["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuse"].contains(where: NetworkFileSystem.isNetwork))
    }

    @Test func `a large file is checked while it serves, and damage stops it`() async throws {
        let scratch = try await ScratchStore()
        // Damage that no ordinary question meets: an index that disagrees with its table.
        try await scratch.append(3)
        var failures = scratch.store.failures.makeAsyncIterator()
        scratch.store.guardian.condemn(.damaged("quick_check: row 2 missing from index"))
        #expect(await failures.next()?.code == "damaged")
        #expect(try await failure { try await scratch.append() }.code == "damaged")
        #expect(try await failure { _ = try await scratch.poll() }.code == "damaged")
        await scratch.store.close()
    }

    @Test func `the list of migrations is the folder, and each is recorded with its hash`() async throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".sql") }.sorted()
        #expect(files == Migration.all.map { $0.name + ".sql" })
        #expect(Migration.all.map(\.number) == Array(1...files.count))
        for (file, migration) in zip(files, Migration.all) {
            #expect(try String(contentsOf: folder.appending(path: file), encoding: .utf8) == migration.sql)
        }
        let scratch = try await ScratchStore()
        let recorded = try await scratch.store.pool.read {
            try String.fetchAll($0, sql: "SELECT sha256 FROM migration ORDER BY number")
        }
        #expect(recorded == Migration.all.map { Fingerprint(of: $0.sql.utf8).description })
        await scratch.store.close()
    }

    @Test func `migrate makes a database, says what it did, and has nothing to do the next time`() throws {
        let scratch = try ScratchDirectory()
        #expect(try SQLiteEventStore.migrationPlan(path: scratch.database).pending == Migration.all.map(\.name))
        #expect(try SQLiteEventStore.migrate(path: scratch.database) == Migration.all.map(\.name))
        #expect(try SQLiteEventStore.migrate(path: scratch.database) == [])
        #expect(try SQLiteEventStore.migrationPlan(path: scratch.database).applied == Migration.all.map(\.name))
    }

    @Test func `migrate is refused while a service has the database`() async throws {
        let scratch = try await ScratchStore()
        #expect(throws: StartRefusal.self) { try SQLiteEventStore.migrate(path: scratch.scratch.database) }
        await scratch.store.close()
    }
}
