/// A second opinion on JSON: recursive, slow, and written to be read against RFC 8259 rule by rule.
///
/// It shares no code with the validator under test. Names are compared as UTF-16, as JavaScript does, in which a
/// surrogate that stands alone is a character like any other.
struct ReferenceJSON {
    /// The text breaks the grammar.
    struct Malformed: Error {}

    /// The deepest nesting in the text; a scalar has none.
    private(set) var depth = 0
    /// Whether some object has a name twice.
    private(set) var hasDuplicateName = false
    /// The names of the outermost object, in their order; empty when it is none.
    private(set) var names: [[UInt16]] = []
    /// Whether the outermost value is an object.
    private(set) var isObject = false

    private let text: [Unicode.Scalar]
    private var place = 0

    /// Deeper texts are tests of nothing here, and this reader is recursive.
    private static let depthMax = 1000

    /// - Throws: ``Malformed`` for what no JSON parser may accept.
    init(_ bytes: [UInt8]) throws(Malformed) {
        guard let string = String(validating: bytes, as: UTF8.self) else { throw Malformed() }
        text = Array(string.unicodeScalars)
        try readValue(within: 0)
        skipSpace()
        guard place == text.count else { throw Malformed() }
    }

    /// What a validator with these strictnesses says of `bytes`.
    static func accepts(_ bytes: [UInt8], depthMax: Int) -> Bool {
        guard let text = try? ReferenceJSON(bytes) else { return false }
        return text.depth <= depthMax && !text.hasDuplicateName
    }

    private mutating func readValue(within containers: Int) throws(Malformed) {
        guard containers < Self.depthMax else { throw Malformed() }
        skipSpace()
        switch next {
        case "{": try readObject(within: containers + 1)
        case "[": try readArray(within: containers + 1)
        case "\"": _ = try readString()
        case "t": try readWord("true")
        case "f": try readWord("false")
        case "n": try readWord("null")
        default: try readNumber()
        }
    }

    private mutating func readObject(within containers: Int) throws(Malformed) {
        depth = max(depth, containers)
        var found: [[UInt16]] = []
        try take("{")
        skipSpace()
        while next != "}" {
            if !found.isEmpty { try take(",") }
            skipSpace()
            found.append(try readString())
            skipSpace()
            try take(":")
            try readValue(within: containers)
            skipSpace()
        }
        try take("}")
        if Set(found).count < found.count { hasDuplicateName = true }
        if containers == 1 { (names, isObject) = (found, true) }
    }

    private mutating func readArray(within containers: Int) throws(Malformed) {
        depth = max(depth, containers)
        var isFirst = true
        try take("[")
        skipSpace()
        while next != "]" {
            if !isFirst { try take(",") }
            isFirst = false
            try readValue(within: containers)
            skipSpace()
        }
        try take("]")
    }

    private mutating func readString() throws(Malformed) -> [UInt16] {
        var units: [UInt16] = []
        try take("\"")
        while let scalar = next, scalar != "\"" {
            place += 1
            if scalar.value < 0x20 { throw Malformed() }
            if scalar == "\\" {
                units.append(try readEscape())
            } else {
                units += Array(String(scalar).utf16)
            }
        }
        try take("\"")
        return units
    }

    private mutating func readEscape() throws(Malformed) -> UInt16 {
        guard let kind = next else { throw Malformed() }
        place += 1
        switch kind {
        case "\"", "\\", "/": return UInt16(kind.value)
        case "b": return 8
        case "t": return 9
        case "n": return 10
        case "f": return 12
        case "r": return 13
        case "u":
            let digits = text[place...].prefix(4)
            let isHexadecimal = digits.allSatisfy { $0.isASCII && Character($0).isHexDigit }
            guard digits.count == 4, isHexadecimal, let unit = UInt16(Self.string(digits), radix: 16) else {
                throw Malformed()
            }
            place += 4
            return unit
        default: throw Malformed()
        }
    }

    /// Takes all that can be part of a number, then splits it as the grammar does.
    private mutating func readNumber() throws(Malformed) {
        let token = Self.string(text[place...].prefix { "0123456789+-.eE".unicodeScalars.contains($0) })
        place += token.unicodeScalars.count
        let unsigned = token.hasPrefix("-") ? token.dropFirst() : token[...]
        let halves = unsigned.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
        let parts =
            halves.count == 2
            ? halves : unsigned.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false)
        let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard Self.isDigits(mantissa[0]), mantissa[0].count == 1 || !mantissa[0].hasPrefix("0"),
            mantissa.count == 1 || Self.isDigits(mantissa[1])
        else { throw Malformed() }
        guard parts.count == 2 else { return }
        let isSigned = parts[1].hasPrefix("+") || parts[1].hasPrefix("-")
        guard Self.isDigits(isSigned ? parts[1].dropFirst() : parts[1]) else { throw Malformed() }
    }

    private mutating func readWord(_ word: String) throws(Malformed) {
        for scalar in word.unicodeScalars { try take(scalar) }
    }

    private mutating func take(_ scalar: Unicode.Scalar) throws(Malformed) {
        guard next == scalar else { throw Malformed() }
        place += 1
    }

    private mutating func skipSpace() {
        while let scalar = next, [" ", "\t", "\n", "\r"].contains(scalar) { place += 1 }
    }

    private var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var string = String.UnicodeScalarView()
        string.append(contentsOf: scalars)
        return String(string)
    }
}
