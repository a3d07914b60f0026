/// A checked name that cannot be confused with a name of another kind.
///
/// Conformers differ only in what they name and in the form they accept, so parsing, comparing and
/// printing are written once here.
public protocol Identifier: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// The text as it is stored and sent.
    var rawValue: String { get }

    /// Accepts `rawValue` when it has the form of this kind of name.
    init?(_ rawValue: String)
}

extension Identifier {
    public var description: String { rawValue }

    public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}

/// The form of names that people choose: sources and consumers.
///
/// They stand in URL paths, in file names and in checkpoints, so the alphabet is the one that none of
/// these has to escape.
enum ChosenName {
    /// Long enough for any readable name, short enough for every log line.
    static let lengthMax = 128

    static func accepts(_ text: String) -> Bool {
        guard (1...lengthMax).contains(text.utf8.count), text != ".", text != ".." else { return false }
        return text.utf8.allSatisfy { byte in
            isASCIIAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: ".")
        }
    }
}

/// The form of names that the queue makes: a prefix that tells the kind, then letters and digits.
enum MadeName {
    /// Twice what the queue itself makes; imported names may be longer than ours.
    static let lengthMax = 64

    static func accepts(_ text: String, prefix: String) -> Bool {
        guard text.utf8.count <= lengthMax, text.hasPrefix(prefix) else { return false }
        let rest = text.utf8.dropFirst(prefix.utf8.count)
        return !rest.isEmpty && rest.allSatisfy(isASCIIAlphanumeric)
    }
}

func isASCIIAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}
