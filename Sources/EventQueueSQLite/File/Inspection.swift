import EventQueue
import GRDB

/// The look at a database before it is served: it finds every reason not to, and changes nothing.
enum Inspection {
    /// A file up to this size is read whole before the start; a larger one while the service runs.
    static let checkedAtStartBytesMax: Int64 = 16 << 20

    /// Checks the file at `file` and its surroundings.
    ///
    /// The service lock must be held, and the file must not be open in this process.
    static func run(_ file: DatabaseFile) throws {
        if let network = NetworkFileSystem.holding(file.directory) {
            throw StartRefusal(
                "The database \(file.path) lies on a network file system (\(network)).",
                mend: "Move it to a local disk: SQLite's locks and shared memory do not work over a network.")
        }
        try refuseLink(file)
        guard file.linkCount <= 1 else {
            throw StartRefusal(
                "The database \(file.path) has \(file.linkCount) hard links.",
                mend: "Remove the other names: a WAL under one name is not found under another.")
        }
        guard DatabaseFile.size(file.path) > 0 else { return }
        try describingDamage(of: file) {
            do {
                try look(at: file, Connections.inspection())
            } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_READONLY_ROLLBACK {
                // Its very first commit, before the WAL, was interrupted. Only who may write can undo that.
                try look(at: file, Connections.recovery())
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                // Opening reads, too, and there a failed read is not told from damage; damage is there a second time.
                try look(at: file, Connections.inspection())
            }
        }
    }

    private static func look(at file: DatabaseFile, _ configuration: Configuration) throws {
        let queue = try DatabaseQueue(path: file.path, configuration: configuration)
        defer { try? queue.close() }
        // The closing of the queue has errors of its own.
        try queue.unsafeRead { database in try FailedRead.named { try inspect(database, file) } }
    }

    /// A link has another name than its file, and with it another lock and another WAL.
    static func refuseLink(_ file: DatabaseFile) throws {
        guard let target = file.linkTarget else { return }
        throw StartRefusal(
            "The database \(file.path) is a symbolic link.",
            mend: "Name the file itself, \(target): its lock and its WAL lie beside it, not beside the link.")
    }

    /// SQLite would open the file read-only then, and fail at the first write.
    static func refuseUnwritable(_ file: DatabaseFile) throws {
        guard let (path, reason) = file.unwritable else { return }
        // What is in the WAL would not be seen.
        let isWhole = DatabaseFile.size(file.walPath) == 0
        let shell = isWhole ? ", or, while no service runs, sqlite3 \(shellWord("file:\(file.path)?immutable=1"))" : ""
        throw StartRefusal(
            "This user may not write \(path): \(reason).",
            mend: "Run this as the user of the service. To read the database without writing: orgloop-queue verify, "
                + "export or backup\(shell)")
    }

    /// Reads the whole database; returns what SQLite finds wrong with it, `nil` when nothing is.
    ///
    /// - Throws: An error of SQLite, `SQLITE_IOERR` for a disk that did not give what lies on it.
    static func damage(_ database: Database) throws -> String? {
        FailedRead.forget()
        let findings: [String]
        do {
            findings = try String.fetchAll(database, sql: "PRAGMA quick_check(3)")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            findings = [error.message ?? "SQLite cannot read it"]
        }
        if findings == ["ok"] { return nil }
        guard !FailedRead.happened else {
            throw DatabaseError(resultCode: .SQLITE_IOERR_READ, message: "the disk failed to read")
        }
        return findings.joined(separator: "; ")
    }

    /// The refusal of a file that SQLite calls corrupt.
    ///
    /// - Parameter version: The number of its newest migration, which a dump does not carry.
    static func damageRefusal(_ path: String, _ finding: String, version: Int = Schema.newest) -> StartRefusal {
        StartRefusal(
            "The database \(path) is damaged: \(finding).",
            mend: "Keep the file as it is. Restore the last backup, or salvage what can be read: "
                + salvage(path, version))
    }

    /// A command that makes a database of what can be read of a damaged one.
    ///
    /// `.recover` would find more where the schema itself is damaged, but it needs a shell that was built with
    /// `sqlite_dbpage`, which Debian's is not. A dump ends with a ROLLBACK when it met damage.
    private static func salvage(_ path: String, _ version: Int) -> String {
        let pragmas = "PRAGMA user_version=\(version); PRAGMA application_id=\(Connections.applicationID);"
        return "(sqlite3 -readonly \(shellWord(path)) .dump | sed 's/^ROLLBACK.*/COMMIT;/'; echo '\(pragmas)') "
            + "| sqlite3 -cmd 'PRAGMA auto_vacuum=2' \(shellWord(path + ".salvaged"))"
    }

    /// The refusal of a file that SQLite does not recognise.
    static func foreignRefusal(_ path: String) -> StartRefusal {
        StartRefusal(
            "The file \(path) is not a SQLite database, or its first page is destroyed.",
            mend: "Name the database with --database; this file was not touched. If it was the queue's, keep it "
                + "as it is and restore the last backup.")
    }

    private static func inspect(_ database: Database, _ file: DatabaseFile) throws {
        let version = try recognise(database, file)
        guard version > 0 else { return }
        if DatabaseFile.size(file.path) <= checkedAtStartBytesMax, let finding = try damage(database) {
            throw damageRefusal(file.path, finding, version: version)
        }
    }

    /// Recognises a database of ours, of this version or an older one, whose schema is as its migrations made it.
    ///
    /// - Returns: The number of its newest migration; zero for a database that holds nothing at all.
    /// - Throws: ``StartRefusal`` for every other database.
    static func recognise(_ database: Database, _ file: DatabaseFile) throws -> Int {
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        let version = try Schema.version(database)
        if application == 0, tables == 0, version == 0 { return 0 }
        guard application == Connections.applicationID else {
            throw StartRefusal(
                "The file \(file.path) is another program's database.",
                mend: "Name another path with --database; this one was not touched.")
        }
        guard version <= Schema.newest else {
            throw StartRefusal(
                "The database \(file.path) was written by a newer version (schema \(version), this program "
                    + "knows \(Schema.newest)).",
                mend: "Use that newer version of orgloop-queue.")
        }
        guard try Schema.isIntact(database, at: version) else {
            throw StartRefusal(
                "The schema of \(file.path) differs from what its migrations made.",
                mend: "Undo what was changed by hand, or restore the last backup.")
        }
        return version
    }

    /// Runs `body` on the database and turns what SQLite refuses into words.
    static func describingDamage<Result>(of file: DatabaseFile, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_NOTADB: throw foreignRefusal(file.path)
            case .SQLITE_IOERR:
                throw StartRefusal(
                    "The disk did not give what lies in \(file.path): \(error.message ?? "\(error.resultCode)").",
                    mend: "Look for its errors in the log of the kernel and start the service again. Restore a backup "
                        + "only if the disk stays like that.")
            case .SQLITE_CORRUPT: throw damageRefusal(file.path, error.message ?? "SQLite cannot read it")
            default:
                throw StartRefusal(
                    "The database \(file.path) cannot be read: \(error.message ?? "SQLite error \(error.resultCode)").",
                    mend: "Check its permissions and those of its directory, -wal and -shm files.")
            }
        }
    }
}
