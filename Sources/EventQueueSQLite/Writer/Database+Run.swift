import EventQueue
import GRDB

/// Raw SQL beside the function that runs it, through statements that stay prepared.
extension Database {
    /// Runs a statement that returns nothing.
    func run(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws {
        try cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }

    /// The first row of a question.
    func first(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }

    /// All rows of a question.
    func all(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }

    /// The one number that a question asks for.
    func count(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws -> Int {
        try Int.fetchOne(cachedStatement(sql: sql), arguments: StatementArguments(arguments)) ?? 0
    }

    /// The row of a source.
    ///
    /// - Throws: ``ProtocolRefusal/sourceUnknown`` when there is none and none is to be made.
    func sourceRow(_ source: Source.ID, insertingIfMissing inserts: Bool = false) throws -> Int64 {
        if inserts {
            try run("INSERT INTO source (name) VALUES (?) ON CONFLICT DO NOTHING", [source.rawValue])
        }
        guard let row = try first("SELECT id FROM source WHERE name = ?", [source.rawValue]) else {
            throw ProtocolRefusal.sourceUnknown
        }
        return row["id"]
    }
}
