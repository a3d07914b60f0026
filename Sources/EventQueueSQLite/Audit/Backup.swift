import EventQueue
import Foundation
import GRDB

/// A copy of the database as it was at one moment, made while the service goes on writing.
///
/// The copy is one file without a WAL; it takes its name only when it is whole, sound and on the disk.
package struct Backup {
    /// What to copy where.
    package struct Order: Sendable {
        package let database: String
        package let target: String
        /// Whether to write over a file that is no backup, and to keep a copy with damaged envelopes.
        package let isForced: Bool

        package init(database: String, target: String, isForced: Bool) {
            self.database = database
            self.target = target
            self.isForced = isForced
        }
    }

    /// What was copied.
    package struct Receipt: Sendable, Equatable {
        package let events: Int
        package let bytes: Int64
        /// Things that are wrong with envelopes, in a copy that was kept all the same.
        package let damaged: Int
    }

    /// A step holds the lock on the copy for about a millisecond, and can be interrupted behind it.
    private static let pagesPerStep: CInt = 256

    private let order: Order
    private let interruption: Interruption

    package init(_ order: Order, interruption: Interruption) {
        self.order = order
        self.interruption = interruption
    }

    /// Makes the copy.
    ///
    /// - Throws: ``AuditRefusal`` or ``StartRefusal``; what was at the target is then as it was.
    package func run(_ progress: @escaping AuditProgress.Observer) throws -> Receipt {
        let target = try BackupTarget(order.target, of: order.database, isForced: order.isForced)
        defer { target.release() }
        let source = try AuditedFile.openOurs(order.database)
        defer { source.close() }
        // Whatever fails below leaves nothing.
        defer { target.removePartial() }
        do {
            try create(target.partial)
            try copy(source, to: target.partial, progress)
            let receipt = try verify(target.partial, progress)
            if interruption.isRequested { throw interrupted }
            try target.place.replace(with: target.partial)
            return receipt
        } catch let error as DatabaseError {
            throw refusal(error)
        }
    }

    private func create(_ partial: String) throws {
        do { try DatabaseFile(path: partial).createPrivately() } catch let refusal as StartRefusal {
            let mend = "Make its directory writable for this user, or name another place."
            throw AuditRefusal(refusal.message, mend: mend)
        }
    }

    /// One read transaction: SQLite copies what the snapshot shows, however much is written meanwhile
    /// (https://www.sqlite.org/backup.html).
    private func copy(_ source: AuditedFile, to partial: String, _ progress: @escaping AuditProgress.Observer)
        throws
    {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // The copy is synced once, as a whole, before it gets its name.
            try database.execute(sql: "PRAGMA synchronous = OFF")
        }
        let copy = try DatabaseQueue(path: partial, configuration: configuration)
        defer { try? copy.close() }
        interruption.watch(source.queue)
        try source.snapshot { database in
            // The snapshot begins with the first read.
            _ = try Schema.version(database)
            let pageBytes = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0
            try copy.writeWithoutTransaction { destination in
                try database.backup(to: destination, pagesPerStep: Self.pagesPerStep) { step in
                    progress(
                        AuditProgress(
                            "copying", done: step.completedPageCount * pageBytes,
                            total: step.totalPageCount * pageBytes, unit: .bytes))
                    if interruption.isRequested { throw interrupted }
                }
            }
        }
        // The copy says that it has a WAL, as the database has; without one it is a single file.
        let mode = try copy.writeWithoutTransaction {
            try String.fetchOne($0, sql: "PRAGMA journal_mode = DELETE")
        }
        guard mode == "delete" else {
            throw AuditRefusal("The copy \(partial) keeps its WAL.", mend: "Use a local disk for the backup.")
        }
    }

    /// Reads the whole copy as an audit would.
    private func verify(_ partial: String, _ progress: AuditProgress.Observer) throws -> Receipt {
        let copy = try AuditedFile.openOurs(partial)
        defer { copy.close() }
        interruption.watch(copy.queue)
        var scan = ContentScan()
        let finding = try copy.snapshot { database in
            progress(AuditProgress("checking the copy"))
            let finding = try Inspection.damage(database)
            if finding == nil { try scan.scan(database, progress) }
            return finding
        }
        if let finding {
            throw AuditRefusal(
                "The database \(order.database) is damaged, and so is the copy, which was removed: \(finding).",
                mend: Inspection.damageRefusal(order.database, "").mend)
        }
        guard scan.envelopes.count == 0 || order.isForced else {
            throw AuditRefusal(
                "\(scan.envelopes.count) envelopes or bodies are damaged, and the copy was removed: "
                    + "\(scan.envelopes.examples.joined(separator: "; ")).",
                mend: "An older backup may have them whole: keep it. Back up all the same with --force.")
        }
        return Receipt(
            events: scan.events, bytes: DatabaseFile.size(partial), damaged: scan.envelopes.count)
    }

    private var interrupted: AuditRefusal {
        AuditRefusal("The backup was interrupted.", mend: "Nothing was written; run it again.")
    }

    private func refusal(_ error: DatabaseError) -> any Error {
        if interruption.isRequested { return interrupted }
        let isFull = error.resultCode == .SQLITE_FULL || [ENOSPC, EDQUOT, EFBIG].contains(errno)
        switch error.resultCode {
        case .SQLITE_NOTADB: return Inspection.foreignRefusal(order.database)
        case .SQLITE_CORRUPT:
            return Inspection.damageRefusal(order.database, Verify.words(error))
        case .SQLITE_FULL, .SQLITE_IOERR:
            let reason = isFull ? "the disk is full" : Verify.words(error)
            return AuditRefusal(
                "The copy beside \(order.target) cannot be written: \(reason).",
                mend: isFull ? "Make room there, or name another place." : "Check the disk.")
        default:
            return AuditRefusal(
                "The backup failed: \(Verify.words(error)).", mend: "Check the permissions of both directories.")
        }
    }
}
