extension String {
    /// The text as a terminal may show it: what senders chose must not move the cursor or colour the screen.
    ///
    /// Control characters and the ones that turn the reading direction become `\u{…}`.
    var printable: String {
        guard unicodeScalars.contains(where: Self.isUnsafe) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if Self.isUnsafe(scalar) {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: true
        // Marks and embeddings of the bidirectional algorithm, line and paragraph separators.
        case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

/// A command that is printed to be copied into a shell.
enum CommandText {
    /// `orgloop-queue` and `words`, each quoted where a POSIX shell needs it.
    static func line(_ words: [String]) -> String {
        (["orgloop-queue"] + words).map(word).joined(separator: " ")
    }

    /// One word, quoted where a POSIX shell needs it.
    static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:=,@%+".utf8.contains(byte)
            }
        }
        if isPlain, !text.isEmpty { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// A number of things, in words: `1 event`, `2 events`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
