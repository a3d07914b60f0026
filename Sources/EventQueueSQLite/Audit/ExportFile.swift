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
        var lines = LineReader(descriptor)
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

/// The whole lines at the beginning of a partial export.
private struct LineReader {
    /// Read at once; a longer line takes several.
    private static let chunkBytes = 1 << 20

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Where the next line begins in the buffer, and where the buffer begins in the file.
    private var start = 0
    private var offset: Int64 = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The event of the next line and where the line ends; `nil` at the end, and for what is no whole line.
    mutating func next() throws -> (event: String, end: Int64)? {
        var searched = start
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[start..<newline]
                start = newline + 1
                return Self.event(in: line).map { ($0, offset + Int64(start)) }
            }
            searched = buffer.count - start
            guard try readMore() else { return nil }
        }
    }

    private mutating func readMore() throws -> Bool {
        buffer.removeFirst(start)
        offset += Int64(start)
        start = 0
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let position = offset + Int64(buffer.count)
        let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(position)) }
        guard count >= 0 else {
            throw AuditRefusal.system("The partial export cannot be read", errno, mend: "Remove it and start again.")
        }
        buffer += chunk.prefix(count)
        return count > 0
    }

    private static func event(in line: ArraySlice<UInt8>) -> String? {
        // After a power loss a file may hold zeros where something was to be written.
        guard line.starts(with: ExportLine.start.utf8), line.last == UInt8(ascii: "}"),
            !line.contains(where: { $0 < 0x20 })
        else { return nil }
        return String(
            decoding: line.dropFirst(ExportLine.start.utf8.count).prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}
