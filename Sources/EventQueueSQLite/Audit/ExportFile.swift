import EventQueue
import Foundation

/// The file that an export becomes; what an interrupted export left of it is continued.
package final class ExportFile {
    private let place: OutputPlace
    private let partial: String
    private let descriptor: Int32

    /// What an export may take the place of.
    package enum Overwriting: Sendable {
        /// An earlier export, or an empty file.
        case exports
        case anyFile
    }

    /// Opens the partial file beside `path` for this process alone.
    ///
    /// - Throws: ``AuditRefusal`` when nothing can be written there, or another export writes it.
    package init(_ path: String, of database: String, overwriting: Overwriting = .exports) throws {
        place = try OutputPlace(path)
        try place.refuseFiles(of: database)
        guard [.nothing, .other].contains(place.content) else {
            throw AuditRefusal("\(path) is a SQLite database.", mend: "Name another file.")
        }
        guard overwriting == .anyFile || place.isEmpty || place.begins(with: ExportLine.start) else {
            throw AuditRefusal(
                "\(path) exists and is no export.", mend: "Name another file, or write over it with --force.")
        }
        partial = path + ".partial"
        // It is looked at before it is opened: a database must not be, by anything but SQLite.
        let remains = try OutputPlace(partial)
        try remains.refuseFiles(of: database)
        guard [.nothing, .other].contains(remains.content) else {
            throw AuditRefusal("\(partial) is a SQLite database.", mend: "Name another file.")
        }
        descriptor = open(partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw AuditRefusal.system(
                "\(partial) cannot be opened", errno, mend: "Check the permissions of its directory.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw AuditRefusal(
                "Another export writes \(partial).", mend: "Wait for it, or name another file.")
        }
        do { try Self.refuseForeign(descriptor, partial) } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Refuses what no export has begun.
    private static func refuseForeign(_ descriptor: Int32, _ path: String) throws {
        var head = [UInt8](repeating: 0, count: ExportLine.start.utf8.count)
        let length = pread(descriptor, &head, head.count, 0)
        guard length > 0, !ExportLine.start.utf8.starts(with: head.prefix(length)) else { return }
        throw AuditRefusal(
            "\(path) is in the way, and it is no part of an export.", mend: "Move it away, or name another file.")
    }

    /// Whether an interrupted export left something.
    package var isStarted: Bool { DatabaseFile.size(partial) > 0 }

    /// Keeps as many lines as `export` would write itself, cuts the rest, and lets `export` go on behind them.
    ///
    /// An event that was pruned since, or lines of another selection, end what is kept.
    ///
    /// - Returns: How many lines were kept.
    package func resume(_ export: inout Export) throws -> Int {
        guard isStarted else { return 0 }
        var kept: Int64 = 0
        var lines = WrittenLines(descriptor)
        let count = try export.skip { event in
            guard let line = try lines.next(), line.event == event else { return false }
            kept = line.end
            return true
        }
        guard ftruncate(descriptor, off_t(kept)) == 0, lseek(descriptor, off_t(kept), SEEK_SET) == off_t(kept) else {
            throw failure(errno)
        }
        return count
    }

    /// Appends whole lines.
    package func write(_ lines: [UInt8]) throws {
        var rest = lines[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure(errno) }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// Gives the file its name.
    ///
    /// - Returns: Its size in bytes.
    package func finish() throws -> Int64 {
        let bytes = DatabaseFile.size(partial)
        try place.replace(with: partial)
        return bytes
    }

    private func failure(_ code: Int32) -> AuditRefusal {
        .system("\(partial) cannot be written", code, mend: "Check the disk.")
    }
}
