import GRDB
import GRDBSQLite

/// The values of a row that is about to be inserted, laid out one behind the other, where SQLite reads them without a
/// copy of its own.
struct RowValues {
    private enum Value {
        case null
        case integer(Int64)
        case text(Range<Int>)
        case blob(Range<Int>)
    }

    private var bytes: [UInt8] = []
    private var values: [Value] = []

    /// Forgets the row before and begins with an integer.
    mutating func begin(with integer: Int64) {
        bytes.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        values.append(.integer(integer))
    }

    /// A text up to its first zero byte, where whoever asks for it stops reading, too.
    mutating func text(_ text: String?) {
        guard let text else { return values.append(.null) }
        let range = place(text.utf8)
        values.append(.text(range.lowerBound..<(bytes[range].firstIndex(of: 0) ?? range.upperBound)))
    }

    /// A text whose bytes are known to be UTF-8.
    mutating func text(utf8: [UInt8]?) {
        guard let utf8 else { return values.append(.null) }
        values.append(.text(place(utf8)))
    }

    mutating func blob(_ content: (some Collection<UInt8>)?) {
        guard let content else { return values.append(.null) }
        values.append(.blob(place(content)))
    }

    private mutating func place(_ content: some Collection<UInt8>) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: content)
        return start..<bytes.count
    }

    /// Runs an INSERT that has one parameter for each value.
    ///
    /// - Returns: Whether it inserted a row.
    func insert(by statement: Statement, in database: Database) throws -> Bool {
        let code = bytes.withUnsafeBufferPointer { run(statement.sqliteStatement, $0) }
        guard code == SQLITE_DONE else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage, sql: statement.sql)
        }
        return database.changesCount > 0
    }

    private func run(_ statement: SQLiteStatement, _ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
        // The bytes are SQLite's for this call only.
        defer { sqlite3_clear_bindings(statement) }
        for (index, value) in values.enumerated() {
            let code = bind(value, at: CInt(index + 1), to: statement, bytes)
            guard code == SQLITE_OK else { return code }
        }
        let code = sqlite3_step(statement)
        // What went wrong is told by the step; a reset says it again.
        sqlite3_reset(statement)
        return code
    }

    private func bind(
        _ value: Value, at index: CInt, to statement: SQLiteStatement, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> CInt {
        switch value {
        case .null:
            return sqlite3_bind_null(statement, index)
        case .integer(let integer):
            return sqlite3_bind_int64(statement, index, integer)
        case .text(let range):
            // An empty text or blob has to lie somewhere: a null pointer is NULL.
            guard let start = bytes.baseAddress else { return SQLITE_MISUSE }
            return sqlite3_bind_text64(
                statement, index, UnsafeRawPointer(start + range.lowerBound).assumingMemoryBound(to: CChar.self),
                UInt64(range.count), nil, UInt8(SQLITE_UTF8))
        case .blob(let range):
            guard let start = bytes.baseAddress else { return SQLITE_MISUSE }
            return sqlite3_bind_blob64(statement, index, start + range.lowerBound, UInt64(range.count), nil)
        }
    }
}
