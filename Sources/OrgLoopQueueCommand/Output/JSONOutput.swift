import EventQueue

/// JSON as text, for what must keep its bytes or its order.
enum JSONOutput {
    /// A string literal.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                result += "\\u00" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// An object whose members keep this order; the values are JSON already.
    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

    /// The bytes of the value under `key` at the top of `document`, exactly as they stand there; `nil` when
    /// there is none.
    static func member(_ key: String, in document: [UInt8]) -> [UInt8]? {
        // An answer wraps an envelope, which wraps a body of the greatest depth.
        guard let text = try? JSONText(document, depthMax: Limits.jsonDepthMax + 8) else { return nil }
        return text[key].map { Array(text.raw($0)) }
    }

    /// The elements of the array under `key` at the top of `document`, each on one line.
    ///
    /// White space between tokens is left out, because an envelope may carry a payload that its sender
    /// wrote on several lines; nothing else changes, neither numbers nor the order of keys. The document
    /// must be valid JSON: it is the service's own answer.
    static func elements(of key: String, in document: [UInt8]) -> [[UInt8]] {
        var scanner = ElementScanner(key: Array(key.utf8))
        for byte in document { scanner.take(byte) }
        return scanner.elements
    }
}

/// Cuts an array out of a document, byte by byte.
private struct ElementScanner {
    let key: [UInt8]
    private(set) var elements: [[UInt8]] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The string that is being read at the top, or was read last: the key of what follows.
    private var name: [UInt8] = []
    private var isInside = false
    private var element: [UInt8] = []

    init(key: [UInt8]) { self.key = key }

    mutating func take(_ byte: UInt8) {
        if isInString { return takeInString(byte) }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): return
        case UInt8(ascii: "\""):
            isInString = true
            if depth == 1 { name = [] }
            keep(byte)
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            depth += 1
            if !isInside, depth == 2, byte == UInt8(ascii: "["), name == key {
                isInside = true
            } else {
                keep(byte)
            }
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            depth -= 1
            if isInside, depth == 1 { return endArray() }
            keep(byte)
        case UInt8(ascii: ",") where isInside && depth == 2: endElement()
        default: keep(byte)
        }
    }

    private mutating func takeInString(_ byte: UInt8) {
        keep(byte)
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            return
        }
        if depth == 1 { name.append(byte) }
    }

    private mutating func keep(_ byte: UInt8) {
        if isInside { element.append(byte) }
    }

    private mutating func endElement() {
        elements.append(element)
        element = []
    }

    private mutating func endArray() {
        if !element.isEmpty { endElement() }
        isInside = false
    }
}
