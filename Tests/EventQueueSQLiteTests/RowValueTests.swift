import EventQueue
import GRDB
import Testing

@testable import EventQueueSQLite

/// What a row gets of values that SQLite reads in its own way.
@Suite struct RowValueTests {
    @Test func `an event's text is stored up to its first zero byte, as everybody reads it`() async throws {
        let scratch = try await ScratchStore()
        let event = try scratch.event(#"{"type":"be\u0000hind"}"#)
        _ = try await scratch.store.append(event)
        let stored = try await scratch.store.pool.read {
            try String.fetchAll($0, sql: "SELECT hex(platform_event) FROM event")
        }
        #expect(stored == ["6265"])
        #expect(try await scratch.poll().envelopes == [event.envelope])
        await scratch.store.close()
    }

    @Test func `what is empty is there, and what is not is NULL`() throws {
        let types = try DatabaseQueue().write { database in
            try database.execute(sql: "CREATE TABLE kept (a, b, c, d, e, f)")
            let statement = try database.makeStatement(sql: "INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?)")
            var row = RowValues()
            // The second time over the first one's remains.
            for text in ["longer than the other", ""] {
                row.begin(with: 7)
                row.text(text)
                row.text(nil)
                row.text(utf8: Array(text.utf8))
                row.blob(Array(text.utf8))
                row.blob(nil as [UInt8]?)
                #expect(try row.insert(by: statement, in: database))
            }
            return try String.fetchAll(
                database,
                sql: """
                    SELECT a || typeof(b) || length(b) || typeof(c) || typeof(d) || length(d) || typeof(e) || length(e)
                        || typeof(f) FROM kept
                    """)
        }
        #expect(types == ["7text21nulltext21blob21null", "7text0nulltext0blob0null"])
    }

    @Test func `a row that is refused is an error with its reason, and the next one goes in`() throws {
        try DatabaseQueue().write { database in
            try database.execute(sql: "CREATE TABLE kept (a INTEGER PRIMARY KEY CHECK (a < 9))")
            let statement = try database.makeStatement(sql: "INSERT INTO kept VALUES (?)")
            var row = RowValues()
            row.begin(with: 9)
            let error = #expect(throws: DatabaseError.self) { try row.insert(by: statement, in: database) }
            #expect(error?.resultCode == .SQLITE_CONSTRAINT)
            #expect(error?.message?.contains("CHECK") == true)
            row.begin(with: 8)
            #expect(try row.insert(by: statement, in: database))
        }
    }
}
