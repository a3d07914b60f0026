import EventQueue
import EventQueueSQLite
import Foundation
import Logging

/// The import of one buffer of OrgLoop, from where it stopped the last time to the end of the file.
struct BufferImport {
    let key: Buffer.Key
    let store: SQLiteEventStore
    let lineBytesMax: Int
    let logger: Logger

    /// A log that a broken file fills helps nobody; `orgloop-queue import` names every line.
    private static let rejectionsLoggedMax = 100

    /// Imports what the database has not recorded as imported; nothing when there is nothing.
    ///
    /// - Throws: `PrivateFile.Failure` when the file cannot be read, what the store throws, and
    ///   `CancellationError`. Whatever it throws, the next run goes on behind what was stored.
    func run() async throws {
        let known = try await store.bufferProgress(key)
        guard known?.endedAt == nil, let file = try BufferFile.open(key.path) else { return }
        // An empty file had no event that could come twice, and may still get some.
        guard file.bytes > 0 || known != nil else { return Self.close(file) }
        let start = try start(file, known)
        guard lseek(file.descriptor, off_t(start.byte), SEEK_SET) >= 0 else {
            Self.close(file)
            throw PrivateFile.Failure("read", key.path)
        }
        logger.notice(
            "importing a buffer of OrgLoop",
            metadata: facts.merging(["bytes": "\(file.bytes)", "from_byte": "\(start.byte)"]) { $1 })
        var reader = LineReader(file.descriptor, lineBytesMax: lineBytesMax, behind: start.line)
        defer { reader.close() }
        var rejections = 0
        while let piece = try reader.next() {
            try Task.checkCancellation()
            let mark = try file.mark(byte: start.byte + reader.bytesDone, line: reader.linesDone)
            for rejection in try await store(piece, through: mark) {
                rejections += 1
                log(rejection, number: rejections)
            }
        }
        try await store.endBuffer(
            key, at: try file.mark(byte: start.byte + reader.bytesDone, line: reader.linesDone))
        try await logEnd()
    }

    /// Where to go on: behind what is stored, or at the start of a file that is another one by now.
    private func start(_ file: BufferFile, _ known: Buffer.Progress?) throws -> (byte: Int, line: Int) {
        guard let mark = known?.mark else { return (0, 0) }
        do {
            if try file.agrees(with: mark) { return (mark.byte, mark.line) }
        } catch {
            Self.close(file)
            throw error
        }
        logger.warning(
            """
            a buffer of OrgLoop was changed while its import was interrupted; it is read from its start, and events \
            that are stored are not stored again
            """, metadata: facts)
        return (0, 0)
    }

    /// Stores a piece of the file; returns the lines of the file that were rejected.
    private func store(_ piece: LineReader.Piece, through mark: Buffer.Mark) async throws
        -> [ImportedLines.Rejection]
    {
        switch piece {
        case .lines(let piece):
            var lines = ImportedLines(piece.bytes, receivedAt: .now())
            lines.take(
                try await store.importBuffer(
                    key, lines.events, rejected: lines.rejected.count, through: mark))
            return lines.rejected.map { .init(line: piece.firstLine + $0.line - 1, error: $0.error) }
        case .tooLong(let line, _):
            _ = try await store.importBuffer(key, [], rejected: 1, through: mark)
            return [.init(line: line, error: .tooLong(bytesMax: lineBytesMax))]
        }
    }

    // MARK: Log

    private var facts: Logger.Metadata { ["path": "\(key.path)", "source": "\(key.source)"] }

    private func log(_ rejection: ImportedLines.Rejection, number: Int) {
        switch number {
        case ...Self.rejectionsLoggedMax:
            logger.warning(
                "a line of a buffer of OrgLoop was rejected: \(rejection.error.detail)",
                metadata: facts.merging(["line": "\(rejection.line)", "code": "\(rejection.error.code)"]) { $1 })
        case Self.rejectionsLoggedMax + 1:
            logger.warning(
                "further rejected lines of this buffer are only counted; orgloop-queue import FILE names them all",
                metadata: facts)
        default: break
        }
    }

    private func logEnd() async throws {
        guard let progress = try await store.bufferProgress(key) else { return }
        logger.notice(
            "imported a buffer of OrgLoop, once; the file was left as it was",
            metadata: facts.merging([
                "events": "\(progress.events)", "present": "\(progress.present)",
                "rejected": "\(progress.rejected)", "lines": "\(progress.mark.line)",
            ]) { $1 })
    }

    private static func close(_ file: BufferFile) { _ = Foundation.close(file.descriptor) }
}
