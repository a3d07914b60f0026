import EventQueue
import Foundation

/// The file that a backup becomes, checked and guarded until it is there.
struct BackupTarget {
    let place: OutputPlace
    /// The copy while it is being made.
    let partial: String
    /// Held while the backup replaces a database that was served once, so that nobody starts to serve it.
    private let lock: ServiceLock?

    /// Checks that nothing of value is written over, and removes what dead processes left.
    ///
    /// - Throws: ``AuditRefusal``, ``StartRefusal`` when a service has the target open.
    init(_ path: String, of database: String, isForced: Bool) throws {
        place = try OutputPlace(path)
        partial = "\(path).\(getpid()).partial"
        try place.refuseFiles(of: database)
        for suffix in ["-wal", "-journal"] where DatabaseFile.size(path + suffix) > 0 {
            throw AuditRefusal(
                "\(path + suffix) is not empty: SQLite would apply it to the backup.",
                mend: "Name another file, or move \(path) with its \(suffix) away first.")
        }
        let isServed = DatabaseFile.kind(path + ".lock") != nil
        if !isForced {
            guard [.nothing, .ours].contains(place.content) else {
                throw AuditRefusal(
                    "\(path) exists and is not a backup of an orgloop-queue database.",
                    mend: "Name another file, or write over it with --force.")
            }
            guard !isServed || place.content == .nothing else {
                throw AuditRefusal(
                    "\(path) was a service's database: its lock file is beside it.",
                    mend: "Name another file, or write over it with --force.")
            }
        }
        lock = isServed ? try ServiceLock(database: path) : nil
        removeLeftovers()
    }

    func release() { lock?.release() }

    /// Removes the copy, if it did not get its name.
    func removePartial() { Self.remove(partial) }

    /// Removes the copies of processes that were killed.
    private func removeLeftovers() {
        let name = (place.path as NSString).lastPathComponent
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: place.directory)) ?? []
        for entry in entries where entry.hasPrefix(name + ".") && entry.hasSuffix(".partial") {
            guard let owner = Int32(entry.dropFirst(name.count + 1).dropLast(".partial".count)), owner > 0 else {
                continue
            }
            // Signal 0 asks only whether the process is there.
            let isAlive = owner != getpid() && (kill(owner, 0) == 0 || errno == EPERM)
            if !isAlive { Self.remove(place.directory + "/" + entry) }
        }
    }

    private static func remove(_ partial: String) {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(partial + suffix) }
    }
}
