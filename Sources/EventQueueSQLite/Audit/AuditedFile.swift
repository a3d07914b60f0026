import Foundation
import GRDB

/// A database that is looked at from outside the service, through one connection that can only read.
///
/// Nothing but SQLite opens the file (DESIGN §5, rules 1 and 3), so it does not matter whether the service
/// runs beside it.
struct AuditedFile {
    let file: DatabaseFile
    let queue: DatabaseQueue
    /// Whether the file was opened as one that nobody changes.
    let isImmutable: Bool

    /// Opens the database at `path`, whatever is in it.
    ///
    /// - Throws: ``StartRefusal`` when SQLite cannot read it.
    static func open(_ path: String) throws -> AuditedFile {
        let file = DatabaseFile(path: path)
        return try Inspection.describingDamage(of: file) {
            do {
                return AuditedFile(file: file, queue: try connect(path), isImmutable: false)
            } catch let error as DatabaseError where isUnwritable(error, file) {
                return AuditedFile(file: file, queue: try connect(immutable(path)), isImmutable: true)
            }
        }
    }

    /// Opens the database at `path` if it is one of ours.
    static func openOurs(_ path: String) throws -> AuditedFile {
        try requireFile(path)
        let opened = try open(path)
        do {
            let version = try opened.read { try Inspection.recognise($0, opened.file) }
            guard version > 0 else {
                throw StartRefusal(
                    "The database \(path) holds nothing yet.", mend: "Start the service once; it makes the tables.")
            }
            return opened
        } catch {
            opened.close()
            throw error
        }
    }

    /// - Throws: ``StartRefusal`` when nothing is at `path`, or nothing that SQLite could open.
    static func requireFile(_ path: String) throws {
        guard let kind = DatabaseFile.kind(path) else {
            throw StartRefusal("There is no database at \(path).", mend: "Name another path with --database.")
        }
        if case .hidden(let reason) = kind {
            throw StartRefusal(
                "The database \(path) cannot be reached: \(reason).",
                mend: "Run this as the user of the service, who may look into its directory.")
        }
        guard kind == .regular else {
            throw StartRefusal("\(path) is not a file.", mend: "Name the database file with --database.")
        }
    }

    /// Runs `question` on one snapshot of the database.
    ///
    /// - Throws: ``StartRefusal`` for what SQLite refuses.
    func read<Result>(_ question: (Database) throws -> Result) throws -> Result {
        try Inspection.describingDamage(of: file) { try snapshot(question) }
    }

    /// Runs `question` on one snapshot of the database, and throws what SQLite throws.
    func snapshot<Result>(_ question: (Database) throws -> Result) throws -> Result {
        try queue.unsafeRead { database in
            try database.beginTransaction(.deferred)
            // Nothing was written, and in a damaged file a COMMIT can fail.
            defer { try? database.rollback() }
            return try question(database)
        }
    }

    func close() { try? queue.close() }

    private static func connect(_ path: String) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: path, configuration: Connections.inspection())
        do {
            // SQLite looks at the WAL and the shared memory with the first question.
            _ = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
        } catch {
            try? queue.close()
            throw error
        }
        return queue
    }

    /// A WAL database in a directory that this user cannot write to has no place for its shared memory.
    ///
    /// Without a WAL nobody has it open, and all that was ever committed is in the file itself
    /// (https://www.sqlite.org/wal.html#read_only_databases).
    private static func isUnwritable(_ error: DatabaseError, _ file: DatabaseFile) -> Bool {
        [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode)
            && DatabaseFile.identity(file.path) != nil && DatabaseFile.identity(file.walPath) == nil
    }

    /// https://www.sqlite.org/uri.html#uriimmutable
    private static func immutable(_ path: String) -> String {
        let absolute = URL(fileURLWithPath: path).path
        let escaped = absolute.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? absolute
        return "file:\(escaped)?immutable=1"
    }
}

/// Values as they are read from a file that may be damaged: a value of another type than the schema promises
/// reads as none, where GRDB's own conversions would stop the process.
extension Row {
    func integer(_ column: Int) -> Int64? { Int64.fromDatabaseValue(self[column]) }

    func text(_ column: Int) -> String? { String.fromDatabaseValue(self[column]) }

    /// A blob; of a text its UTF-8 bytes.
    func bytes(_ column: Int) -> [UInt8]? {
        switch (self[column] as DatabaseValue).storage {
        case .blob(let data): [UInt8](data)
        case .string(let text): Array(text.utf8)
        default: nil
        }
    }
}
