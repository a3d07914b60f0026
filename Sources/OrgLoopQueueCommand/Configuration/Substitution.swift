/// `${NAME}` in a value stands for the environment variable of that name.
///
/// There is no escape and no default form: what is not `${` stays as it is. The replacement is text, never
/// YAML, so a variable cannot add keys.
enum Substitution {
    /// Why a text cannot be substituted.
    enum Failure: Error, Equatable {
        case unset(String)
        /// `${` is not followed by a name and `}`.
        case malformed
    }

    static func apply(to text: String, environment: [String: String]) throws(Failure) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}"), isName(rest[..<end]) else { throw .malformed }
            let name = String(rest[..<end])
            guard let value = environment[name] else { throw .unset(name) }
            result += value
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
