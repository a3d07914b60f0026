/// Builds a JSON text as bytes, so that values which are already JSON are copied and never encoded again.
package struct JSONBytes: Sendable {
    /// What was built so far.
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Appends punctuation and names that are JSON as they stand.
    package mutating func literal(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends bytes that are JSON already.
    package mutating func raw(_ json: some Collection<UInt8>) { bytes.append(contentsOf: json) }

    /// Appends `text` as a JSON string, with its quotes.
    package mutating func string(_ text: some StringProtocol) {
        bytes.append(UInt8(ascii: "\""))
        let isAppended: Void? = text.utf8.withContiguousStorageIfAvailable { escape($0) }
        if isAppended == nil { for byte in text.utf8 { escape(byte) } }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a member's name and the colon behind it.
    mutating func name(_ name: JSONName) { raw(name.bytes) }

    /// Appends `time` as a JSON string, with its quotes.
    mutating func time(_ time: Timestamp) {
        bytes.append(UInt8(ascii: "\""))
        if !ISO8601.append(time.milliseconds, to: &bytes) { bytes.append(contentsOf: time.iso8601.utf8) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends `text` with what lies between two escapes as one piece: most texts are one.
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        let words = UnsafeRawBufferPointer(text)
        var start = 0
        var next = 0
        while next < text.count {
            let word = next..<min(next + 8, text.count)
            next = word.upperBound
            let isPlain =
                word.count == 8
                && JSONEscape.arePlain(words.loadUnaligned(fromByteOffset: word.lowerBound, as: UInt64.self))
            if isPlain { continue }
            for index in word {
                let byte = text[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
                escape(byte)
                start = index + 1
            }
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
    }

    /// Appends `number` in decimal digits.
    package mutating func integer(_ number: some BinaryInteger) {
        bytes.append(contentsOf: String(number).utf8)
    }

    /// Appends `true` or `false`.
    package mutating func boolean(_ value: Bool) { literal(value ? "true" : "false") }

    /// Appends `values` with commas between them, in brackets.
    package mutating func array<Value>(
        _ values: some Sequence<Value>, _ append: (inout Self, Value) -> Void
    ) {
        var isFirst = true
        literal("[")
        for value in values {
            if !isFirst { literal(",") }
            isFirst = false
            append(&self, value)
        }
        literal("]")
    }

    /// RFC 8259 requires these escapes and no other; everything else stays readable as it is.
    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): literal("\\\"")
        case UInt8(ascii: "\\"): literal("\\\\")
        case UInt8(ascii: "\n"): literal("\\n")
        case UInt8(ascii: "\r"): literal("\\r")
        case UInt8(ascii: "\t"): literal("\\t")
        case 0..<0x20:
            literal("\\u00")
            bytes.append(contentsOf: hexadecimal(CollectionOfOne(byte)).utf8)
        default: bytes.append(byte)
        }
    }
}

/// `text` as a JSON string, with its quotes.
package func jsonString(_ text: some StringProtocol) -> String {
    String(decoding: jsonStringBytes(text), as: UTF8.self)
}

/// The UTF-8 of `text` as a JSON string, with its quotes.
func jsonStringBytes(_ text: some StringProtocol) -> [UInt8] {
    var json = JSONBytes(capacity: text.utf8.count + 2)
    json.string(text)
    return json.bytes
}

extension Timestamp {
    /// The time as a JSON string, with its quotes.
    var json: ArraySlice<UInt8> {
        var json = JSONBytes(capacity: 32)
        json.time(self)
        return json.bytes[...]
    }
}
