import EventQueue
import Foundation

/// The place of a file that is written as a whole: a partial file beside it takes its name when it is done.
struct OutputPlace {
    let path: String
    let directory: String

    /// - Throws: ``AuditRefusal`` when nothing can be written there.
    init(_ path: String) throws {
        self.path = path
        directory = EventQueue.directory(ofFile: path)
        for place in [self.directory, path] {
            guard case .hidden(let reason) = DatabaseFile.kind(place) else { continue }
            throw AuditRefusal("\(place) cannot be reached: \(reason).", mend: "Name a file in another directory.")
        }
        guard DatabaseFile.kind(self.directory) == .directory else {
            throw AuditRefusal(
                "The directory \(self.directory) does not exist.", mend: "Make it first: mkdir -p \(self.directory)")
        }
        guard [nil, .regular].contains(DatabaseFile.kind(path)) else {
            throw AuditRefusal("\(path) is not a file.", mend: "Name a file, or a path where none is yet.")
        }
    }

    /// Refuses to write over the database or one of the files beside it, whether it is there or not.
    func refuseFiles(of database: String) throws {
        for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
            let file = database + suffix
            let isSame = DatabaseFile.identity(file).map { $0 == DatabaseFile.identity(path) } ?? false
            guard !isSame, Self.resolved(file) != Self.resolved(path) else {
                throw AuditRefusal(
                    "\(path) is a file of the live database \(database).",
                    mend: "Name another file; a copy belongs on another disk.")
            }
        }
    }

    /// Whether a SQLite database is there, and whose.
    enum Content { case nothing, ours, database, other }

    /// Looks at the first bytes of what is there; it is no file that this process has open with SQLite.
    var content: Content {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            return DatabaseFile.kind(path) == nil ? .nothing : .other
        }
        defer { try? handle.close() }
        let head = [UInt8]((try? handle.read(upToCount: 100)) ?? Data())
        guard !head.isEmpty else { return .nothing }
        guard head.count == 100, head.starts(with: Array("SQLite format 3\0".utf8)) else { return .other }
        // https://www.sqlite.org/fileformat2.html#the_database_header
        let application = head[68..<72].reduce(0) { $0 << 8 | UInt32($1) }
        return application == UInt32(bitPattern: Connections.applicationID) ? .ours : .database
    }

    /// Whether nothing is there, or an empty file.
    var isEmpty: Bool { DatabaseFile.size(path) == 0 }

    /// Whether the file that is there begins with `text`; one that cannot be read does not.
    func begins(with text: String) -> Bool {
        guard let handle = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? handle.close() }
        return (try? handle.read(upToCount: text.utf8.count)) == Data(text.utf8)
    }

    /// Puts `partial` in its place for good: after a crash there is the old file or the whole new one.
    func replace(with partial: String) throws {
        try sync(partial, O_RDONLY)
        guard rename(partial, path) == 0 else {
            throw AuditRefusal.system(
                "\(path) cannot be replaced", errno, mend: "Check the permissions of its directory.")
        }
        // Some file systems cannot sync a directory; the rename itself is atomic everywhere.
        try? sync(directory, O_RDONLY | O_DIRECTORY)
    }

    private func sync(_ file: String, _ flags: Int32) throws {
        let descriptor = open(file, flags | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw AuditRefusal.system("\(file) cannot be opened", errno, mend: "Run it again.")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw AuditRefusal.system(
                "The disk did not take \(file)", errno, mend: "Check the disk and its free space.")
        }
    }

    /// The path with its directory's symbolic links followed; the file itself need not exist.
    private static func resolved(_ path: String) -> String {
        let url = URL(fileURLWithPath: path)
        let directory = url.deletingLastPathComponent().resolvingSymlinksInPath()
        return directory.appendingPathComponent(url.lastPathComponent).path
    }
}

extension AuditRefusal {
    /// A refusal in the operating system's words.
    static func system(_ what: String, _ code: Int32, mend: String) -> AuditRefusal {
        let isFull = [ENOSPC, EDQUOT, EFBIG].contains(code)
        return AuditRefusal(
            "\(what): \(systemError(code)).", mend: isFull ? "Make room there, or name another place." : mend)
    }
}
