import EventQueue
import Foundation

/// Reads a file in pieces of whole lines, in memory that does not grow with the file.
struct LineReader {
    /// Some lines, each with its line break; the last one of a file may have none.
    struct Lines {
        /// The number of the first one, counted from 1.
        let firstLine: Int
        let bytes: [UInt8]
    }

    enum Piece {
        case lines(Lines)
        /// A line that no call can carry was passed over.
        case tooLong(line: Int, bytes: Int)
    }

    /// More in one call makes its sender wait for nothing.
    private static let pieceBytesMax = 1 << 20
    private static let readBytes = 256 << 10
    /// The byte order mark that some editors put before a text.
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let descriptor: Int32
    private let lineBytesMax: Int
    /// What was read and not handed out: whole lines up to `whole`, then the start of the next one.
    private var buffer: [UInt8] = []
    /// How much of the buffer was searched for line breaks.
    private var searched = 0
    private var isAtEnd = false
    private var isAtStart: Bool
    private var line: Int
    /// How many bytes were handed out or passed over.
    private(set) var bytesDone = 0

    /// How many lines are behind what was handed out, those before the start included.
    var linesDone: Int { line - 1 }

    /// - Parameters:
    ///   - descriptor: Read from where it stands, and closed by ``close()``.
    ///   - lines: How many lines of the file lie before that place.
    init(_ descriptor: Int32, lineBytesMax: Int, behind lines: Int = 0) {
        self.descriptor = descriptor
        self.lineBytesMax = lineBytesMax
        isAtStart = lines == 0
        line = lines + 1
    }

    func close() { Foundation.close(descriptor) }

    /// The next piece; `nil` at the end.
    mutating func next() throws(PrivateFile.Failure) -> Piece? {
        try skipMark()
        var whole = 0
        var count = 0
        while true {
            guard let end = lineEnd() ?? lastLineEnd(behind: whole) else {
                if isAtEnd { return whole == 0 ? nil : take(whole, lines: count) }
                if buffer.count - whole > lineBytesMax {
                    return try whole > 0 ? take(whole, lines: count) : skipLine()
                }
                try read()
                continue
            }
            guard end - whole <= lineBytesMax else {
                return try whole > 0 ? take(whole, lines: count) : skipLine()
            }
            // A line that is longer than a piece makes one of its own.
            guard whole == 0 || end <= Self.pieceBytesMax else { return take(whole, lines: count) }
            (whole, count) = (end, count + 1)
            searched = end
            guard count < Limits.importLinesMax, whole < Self.pieceBytesMax else {
                return take(whole, lines: count)
            }
        }
    }

    /// The end of the first line behind what was searched, with its line break.
    private mutating func lineEnd() -> Int? {
        let found = buffer.withUnsafeBytes { bytes -> Int? in
            guard searched < bytes.count, let start = bytes.baseAddress,
                let place = memchr(start + searched, 0x0A, bytes.count - searched)
            else { return nil }
            return UnsafeRawPointer(place) - start + 1
        }
        if found == nil { searched = buffer.count }
        return found
    }

    /// The end of a last line without a line break.
    private func lastLineEnd(behind whole: Int) -> Int? {
        isAtEnd && buffer.count > whole ? buffer.count : nil
    }

    private mutating func take(_ length: Int, lines count: Int) -> Piece {
        let piece = Lines(firstLine: line, bytes: Array(buffer[..<length]))
        buffer.removeFirst(length)
        bytesDone += length
        searched = 0
        line += count
        return .lines(piece)
    }

    /// Passes over the line that the buffer begins with, however long it is.
    private mutating func skipLine() throws(PrivateFile.Failure) -> Piece {
        var bytes = 0
        searched = 0
        while true {
            if let end = lineEnd() {
                bytes += end
                buffer.removeFirst(end)
                break
            }
            bytes += buffer.count
            buffer.removeAll(keepingCapacity: true)
            searched = 0
            if isAtEnd { break }
            try read()
        }
        searched = 0
        bytesDone += bytes
        line += 1
        return .tooLong(line: line - 1, bytes: bytes)
    }

    private mutating func skipMark() throws(PrivateFile.Failure) {
        guard isAtStart else { return }
        isAtStart = false
        while buffer.count < Self.mark.count, !isAtEnd { try read() }
        guard buffer.starts(with: Self.mark) else { return }
        buffer.removeFirst(Self.mark.count)
        bytesDone += Self.mark.count
    }

    private mutating func read() throws(PrivateFile.Failure) {
        var part = [UInt8](repeating: 0, count: Self.readBytes)
        let count = part.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            guard errno == EINTR else { throw PrivateFile.Failure("read", "the file to its end") }
            return
        }
        isAtEnd = count == 0
        buffer += part.prefix(count)
    }
}
