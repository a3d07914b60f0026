import Foundation

/// The whole lines at the beginning of a partial export.
struct WrittenLines {
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
