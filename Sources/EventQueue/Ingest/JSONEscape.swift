/// Decoding of strings that the scanner has checked, and what needs none.
enum JSONEscape {
    /// What becomes of a surrogate that stands alone.
    enum Surrogates {
        /// U+FFFD, as everything that is not a character becomes in a Swift string.
        case replaced
        /// Its three-byte form, which no valid text contains: different surrogates stay different.
        case kept
    }

    /// Whether the eight bytes of `word` are ASCII that stands for itself in a string: no control character, quote or
    /// backslash.
    ///
    /// Exact for the word: a byte can borrow from its neighbour only where it is refused itself.
    static func arePlain(_ word: UInt64) -> Bool {
        func each(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }
        // A byte that is too small for what is taken from it has its highest bit set.
        let control = word &- each(0x20)
        let quote = (word ^ each(UInt8(ascii: "\""))) &- each(1)
        let backslash = (word ^ each(UInt8(ascii: "\\"))) &- each(1)
        return (word | control | quote | backslash) & each(0x80) == 0
    }

    /// The value of a hexadecimal digit of either case.
    static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// Appends the UTF-8 of the string content at `range` of `text`.
    static func decode(
        _ range: Range<Int>, of text: Span<UInt8>, surrogates: Surrogates, into output: inout [UInt8]
    ) {
        var position = range.lowerBound
        while position < range.upperBound {
            guard text[position] == UInt8(ascii: "\\") else {
                output.append(text[position])
                position += 1
                continue
            }
            let kind = text[position + 1]
            guard kind == UInt8(ascii: "u") else {
                output.append(plain(kind))
                position += 2
                continue
            }
            var code = unit(at: position + 2, of: text)
            position += 6
            if 0xD800..<0xDC00 ~= code, position + 6 <= range.upperBound,
                text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u"),
                case let low = unit(at: position + 2, of: text), 0xDC00..<0xE000 ~= low
            {
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                position += 6
            }
            append(0xD800..<0xE000 ~= code && surrogates == .replaced ? 0xFFFD : code, to: &output)
        }
    }

    private static func plain(_ kind: UInt8) -> UInt8 {
        switch kind {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: kind
        }
    }

    private static func unit(at position: Int, of text: Span<UInt8>) -> UInt32 {
        var code: UInt32 = 0
        for index in position..<position + 4 { code = code << 4 | (digit(text[index]) ?? 0) }
        return code
    }

    /// Written out because `Unicode.Scalar` cannot hold the surrogates that are kept.
    private static func append(_ code: UInt32, to output: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | code >> shift & 0x3F) }
        switch code {
        case 0..<0x80: output.append(UInt8(code))
        case 0x80..<0x800: output += [UInt8(0xC0 | code >> 6), tail(0)]
        case 0x800..<0x10000: output += [UInt8(0xE0 | code >> 12), tail(6), tail(0)]
        default: output += [UInt8(0xF0 | code >> 18), tail(12), tail(6), tail(0)]
        }
    }
}
