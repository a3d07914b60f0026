import EventQueue
import EventQueueSQLite

/// What the database's file and its surroundings tell.
struct StorageChecks {
    let path: String
    let report: DatabaseReport
    let limits: Limits.Settings
    /// Other processes that have the file open for writing.
    let foreignWriters: [OpenFiles.Holder]
    var place = PrintedPlace.standard

    /// Below this an operator wants to know, long before the service refuses.
    private static let freeBytesComfortable: Int64 = 1 << 30

    var findings: [Finding] {
        guard report.linkCount > 0 else { return [fileSystem, freeSpace, lock].compactMap(\.self) }
        return [fileSystem, freeSpace, hardLinks, schema, sqlite, log, lock].compactMap(\.self)
    }

    private var fileSystem: Finding {
        guard let network = report.networkFileSystem else { return .ok("file system", "local") }
        return .fail(
            "file system", "\(path) lies on a network file system (\(network))",
            mend: "Move it to a local disk: SQLite's locks and shared memory do not work over a network.")
    }

    /// `nil` without a directory to ask about.
    private var freeSpace: Finding? {
        guard let free = report.freeBytes else { return nil }
        return Self.freeSpace(free, least: Int64(limits.freeBytesMin), path: path)
    }

    static func freeSpace(_ free: Int64, least: Int64, path: String) -> Finding {
        let check = "free space"
        let text = "\(StatusReport.size(free)) free"
        let mend = "Free some space on the disk of \(path), or prune the queue."
        if free < least {
            return .fail(check, "\(text): events are refused (limits.free_bytes_min)", mend: mend)
        }
        return free < Self.freeBytesComfortable
            ? .warn(check, text, mend: mend) : .ok(check, text)
    }

    private var hardLinks: Finding? {
        guard report.linkCount > 1 else { return nil }
        return .fail(
            "hard links", "\(path) has \(report.linkCount) names",
            mend: "Remove the other names: a WAL under one name is not found under another.")
    }

    private var schema: Finding? {
        switch report.content {
        case nil: return nil
        case .failure(let refusal): return .fail("schema", refusal.message, mend: refusal.mend)
        case .success(let content):
            let text = "version \(content.schemaVersion)"
            guard content.pendingMigrations.isEmpty else {
                return .warn(
                    "schema", "\(text), pending: \(content.pendingMigrations.joined(separator: ", "))",
                    mend: "The service applies them at its start; without it: "
                        + CommandText.line(["migrate"] + place.reading))
            }
            let size = StatusReport.size(report.databaseBytes)
            let verify = CommandText.line(["verify"] + place.reading)
            let read = content.isRead ? "quick_check ok" : "too large to be read here: \(verify)"
            return .ok("schema", "\(text), \(size), \(read)")
        }
    }

    private var sqlite: Finding {
        Self.sqlite(
            version: DatabaseReport.sqliteVersion, number: DatabaseReport.sqliteVersionNumber,
            writers: foreignWriters)
    }

    /// What the library and the writers beside the service mean together.
    static func sqlite(version: String, number: Int, writers: [OpenFiles.Holder]) -> Finding {
        let hasBug = number < DatabaseReport.sqliteVersionNumberWithoutResetBug
        guard !writers.isEmpty else {
            let note = "its WAL-reset bug does no harm as long as only the service opens the file for writing"
            return .ok("SQLite", hasBug ? "\(version); \(note)" : version)
        }
        let names = writers.map(\.description).joined(separator: ", ")
        let danger = hasBug ? "; a checkpoint beside another writer can lose rows in \(version)" : ""
        return .warn(
            "SQLite", "the file is open for writing in \(names)\(danger)",
            mend: "Close it there, and open the file with sqlite3 -readonly.")
    }

    private var log: Finding {
        let text = StatusReport.size(report.walBytes)
        guard report.walBytes > Int64(limits.walBytesWarning) else { return .ok("WAL", text) }
        return .warn(
            "WAL", "\(text): a reader keeps it from being emptied",
            mend: "Look for a forgotten sqlite3 shell, and end it.")
    }

    private var lock: Finding {
        switch report.lock {
        case .free, .absent: .ok("lock", "nobody has it")
        case .unreadable(let reason):
            .warn("lock", "its file cannot be read: \(reason)", mend: "Run this as the user of the service.")
        case .held(let owner, _): .ok("lock", "held by \(owner.map { "pid \($0)" } ?? "a process")")
        }
    }
}
