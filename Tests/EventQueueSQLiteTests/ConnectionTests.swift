import EventQueue
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// DESIGN §5, rules 1, 2, 8 and 14: how the file is opened.
@Suite struct ConnectionTests {
    @Test func `every commit of the writer is synchronous: FULL reads back as 2`() async throws {
        let scratch = try await ScratchStore()
        let synchronous = try await scratch.store.pool.writeWithoutTransaction {
            try Int.fetchOne($0, sql: "PRAGMA synchronous")
        }
        #expect(synchronous == 2)
        await scratch.store.close()
    }

    @Test func `readers cannot write, so nothing but the writer does`() async throws {
        let scratch = try await ScratchStore()
        await #expect(throws: DatabaseError.self) {
            try await scratch.store.pool.unsafeRead { database in
                // GRDB's own guard is one thing; the connection itself must refuse too.
                try database.execute(sql: "PRAGMA query_only = OFF; DELETE FROM queue")
            }
        }
        await scratch.store.close()
    }

    @Test(arguments: [
        ("foreign_keys", 1), ("trusted_schema", 0), ("cell_size_check", 1), ("mmap_size", 0),
        ("auto_vacuum", 2),
    ])
    func `every connection has the pragma that the rules ask for`(pragma: String, value: Int) async throws {
        let scratch = try await ScratchStore()
        let sql = "PRAGMA \(pragma)"
        let writer = try await scratch.store.pool.writeWithoutTransaction { try Int.fetchOne($0, sql: sql) }
        let reader = try await scratch.store.pool.read { try Int.fetchOne($0, sql: sql) }
        #expect(writer ?? 0 == value)
        #expect(reader ?? 0 == value)
        await scratch.store.close()
    }

    @Test func `the journal is a WAL and every table is STRICT`() async throws {
        let scratch = try await ScratchStore()
        let (mode, loose) = try await scratch.store.pool.read { database in
            (
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try String.fetchAll(
                    database,
                    sql:
                        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"
                )
            )
        }
        #expect(mode == "wal")
        #expect(loose == [])
        await scratch.store.close()
    }

    @Test(arguments: ["", "-wal", "-shm", ".lock"])
    func `the files are for their owner only`(suffix: String) async throws {
        let scratch = try await ScratchStore()
        try await scratch.append()
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.scratch.database + suffix)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        await scratch.store.close()
    }

    @Test func `a long reader does not stop appends, and the log is emptied once it has gone`() async throws {
        let scratch = try await ScratchStore()
        try await scratch.append()
        let shell = try foreignConnection(scratch.scratch.database, readonly: true)
        try await shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN; SELECT count(*) FROM event") }
        let large = String(repeating: "x", count: 900_000)
        for number in 0..<6 {
            _ = try await scratch.store.append(
                scratch.event(#"{"type":"test","n":\#(number),"text":"\#(large)"}"#))
        }
        try await scratch.store.emptyLog()
        let wal = scratch.scratch.database + "-wal"
        #expect(DatabaseFile.size(wal) > 4 << 20)
        try await scratch.append()
        try await shell.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try shell.close()
        try await scratch.store.emptyLog()
        #expect(DatabaseFile.size(wal) == 0)
        try await scratch.append()
        await scratch.store.close()
    }
}
