extension JSONOutput {
    /// The bytes of the value under `key` at the top of `document`, exactly as they stand there; `nil` when
    /// there is none.
    ///
    /// The document must be valid JSON: it is the service's own answer.
    static func member(_ key: String, in document: [UInt8]) -> [UInt8]? {
        var scanner = MemberScanner(key: Array(key.utf8))
        for (offset, byte) in document.enumerated() {
            scanner.take(byte, at: offset)
            if let range = scanner.range { return Array(document[range]) }
        }
        return nil
    }
}

/// Finds the value of one member of the outermost object, byte by byte.
private struct MemberScanner {
    let key: [UInt8]
    private(set) var range: Range<Int>?
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The string at the top that was read last, without its quotes.
    private var name: [UInt8] = []
    private var isBehindColon = false
    /// The first and the last byte of the value so far.
    private var value: (start: Int, end: Int)?

    init(key: [UInt8]) { self.key = key }

    mutating func take(_ byte: UInt8, at offset: Int) {
        if isInString { return takeInString(byte, at: offset) }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): return
        case UInt8(ascii: ":") where depth == 1: isBehindColon = true
        case UInt8(ascii: ",") where depth == 1: endMember()
        case UInt8(ascii: "}") where depth == 1: endMember()
        default: takeToken(byte, at: offset)
        }
    }

    private mutating func takeToken(_ byte: UInt8, at offset: Int) {
        keep(offset)
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            if depth == 1, !isBehindColon { name = [] }
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: break
        }
    }

    private mutating func takeInString(_ byte: UInt8, at offset: Int) {
        keep(offset)
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            return
        }
        if depth == 1, !isBehindColon { name.append(byte) }
    }

    private mutating func keep(_ offset: Int) {
        guard isBehindColon, depth >= 1 else { return }
        value = (value?.start ?? offset, offset)
    }

    private mutating func endMember() {
        if let value, name == key { range = value.start..<value.end + 1 }
        value = nil
        isBehindColon = false
    }
}
