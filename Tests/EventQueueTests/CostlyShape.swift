import EventQueue

/// Texts on which a careless parser takes more time than their length is worth.
enum CostlyShape: CaseIterable {
    case manyNames, manyEscapedNames, namesWithOnePrefix, namesOfOneLength, namesWithLoneSurrogates
    case emptyObjects, smallObjects, objectsOfSeventeenNames, longString, escapes, surrogates, combiningMarks, flags
    case sixteenLongNames, deepArrays, deepObjects, longNumber, longExponent, zeros, manyNumbers, spaces, words
    // What is refused must be refused as fast.
    case unterminatedString, invalidAtTheEnd, duplicateAtTheEnd, unterminatedArrays, truncatedEscape

    /// Whether it is accepted.
    var isJSON: Bool {
        switch self {
        case .unterminatedString, .invalidAtTheEnd, .duplicateAtTheEnd, .unterminatedArrays, .truncatedEscape: false
        default: true
        }
    }

    /// A whole text of about `bytes` bytes.
    func document(bytes: Int) -> String { isObject ? "{\(content(bytes))}" : "[\(content(bytes))]" }

    /// A template of ``CostlyKind`` filled with this shape.
    func body(bytes: Int, in template: String) -> String {
        let content = content(bytes)
        // As a value on its own, so that it is read as a text or a number where one is looked for.
        let value = isObject ? "{\(content)}" : isScalar ? content : "[\(content)]"
        return template.replacing("%", with: isObject ? content : #""x":\#(value)"#).replacing("$", with: value)
    }

    private var isObject: Bool {
        switch self {
        case .manyNames, .manyEscapedNames, .namesWithOnePrefix, .namesOfOneLength, .namesWithLoneSurrogates,
            .sixteenLongNames, .duplicateAtTheEnd:
            true
        default: false
        }
    }

    private var isScalar: Bool {
        switch self {
        case .longString, .escapes, .surrogates, .combiningMarks, .flags, .longNumber, .longExponent, .zeros, .spaces,
            .unterminatedString, .truncatedEscape:
            true
        default: false
        }
    }

    /// The members of an object, or the elements of an array.
    private func content(_ bytes: Int) -> String {
        switch self {
        case .manyNames: members(bytes / 12) { #""k\#(100_000 + $0)":0"# }
        case .manyEscapedNames: members(bytes / 17) { #""\u006b\#(100_000 + $0)":0"# }
        case .namesWithOnePrefix: members(bytes / 128) { #""\#(repeated("a", 112))\#(100_000 + $0)":0"# }
        case .namesOfOneLength: members(bytes / 90) { #""\#(100_000 + $0)\#(repeated("a", 75))":{}"# }
        case .namesWithLoneSurrogates: members(bytes / 24) { #""\ud83d\#(100_000 + $0)":0"# }
        case .sixteenLongNames: members(16) { #""\n\#(repeated("x", bytes / 16 - 10))\#(100 + $0)":0"# }
        case .duplicateAtTheEnd: members(bytes / 12) { #""k\#(100_000 + $0)":0"# } + #","k\u003100000":1"#
        case .emptyObjects: elements("{}", bytes)
        case .smallObjects: elements(#"{"a":{"b":1}}"#, bytes)
        case .objectsOfSeventeenNames: elements("{\(members(17) { #""\#($0)":0"# })}", bytes)
        case .deepArrays: elements(repeated("[", 58) + repeated("]", 58), bytes)
        case .deepObjects: elements(repeated(#"{"a":"#, 58) + "0" + repeated("}", 58), bytes)
        case .manyNumbers: elements("-1.5e+3", bytes)
        case .words: elements("true,false,null", bytes)
        case .longString: quoted(#"\n\ud83d\u0041é"#, bytes)
        case .escapes: quoted(#"\\\""#, bytes)
        case .surrogates: quoted(#"\ud83d"#, bytes)
        case .combiningMarks: quoted("\u{301}", bytes)
        case .flags: quoted("🇩", bytes)
        case .longNumber: "1.\(repeated("0123456789", bytes / 10))"
        case .longExponent: "1e\(repeated("9", bytes))"
        case .zeros: "1\(repeated("0", bytes / 2)).\(repeated("0", bytes / 2))"
        case .spaces: repeated(" \n", bytes / 2) + "0"
        case .unterminatedString: "\"" + repeated("a", bytes)
        case .truncatedEscape: "\"" + repeated(#"\u0041"#, bytes / 6) + #"\u00"#
        case .invalidAtTheEnd: elements(#"{"a":[0]}"#, bytes) + ",}"
        case .unterminatedArrays: elements("[{}]", bytes) + ",[[[["
        }
    }

    private func members(_ count: Int, _ member: (Int) -> String) -> String {
        (0..<count).map(member).joined(separator: ",")
    }

    private func elements(_ element: String, _ bytes: Int) -> String {
        Array(repeating: element, count: max(1, bytes / (element.utf8.count + 1))).joined(separator: ",")
    }

    private func quoted(_ text: String, _ bytes: Int) -> String { "\"\(repeated(text, bytes / text.utf8.count))\"" }

    private func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: max(0, count)) }
}
