import Foundation

/// A PromQL expression, read as far as it takes to see which metrics and labels it names.
///
/// The reader knows the few forms that dashboard and alerts use, and throws whatever else it meets.
struct MetricExpression {
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// A metric with what it is narrowed by.
    struct Selector {
        let name: String
        /// The function right around it; `nil` for none.
        let function: String?
        var matchers: [(label: String, operation: String, value: String)] = []
    }

    private(set) var selectors: [Selector] = []
    private(set) var groupings: [String] = []

    private static let functions: Set<String> = [
        "sum", "min", "max", "rate", "increase", "changes", "delta", "absent", "count", "histogram_quantile", "time",
    ]
    private static let groupers: Set<String> = ["by", "without", "on", "ignoring"]
    private static let operators: Set<String> = ["and", "or", "unless"]

    private var rest: Substring
    private var depth = 0

    init(_ text: String) throws {
        rest = text[...]
        var function: String?
        while skipSpace(), let character = rest.first {
            if let name = word() {
                function = try take(name, inside: function)
                continue
            }
            switch character {
            case "(": depth += 1
            case ")":
                depth -= 1
                function = nil
            case "+", "-", "*", "/", "<", ">", "=", ",", ".", "0"..."9": break
            default: throw Unreadable(description: "\(character) in \(text)")
            }
            guard depth >= 0 else { throw Unreadable(description: "a parenthesis too many in \(text)") }
            rest.removeFirst()
        }
        guard depth == 0, !selectors.isEmpty else { throw Unreadable(description: "no expression: \(text)") }
    }

    /// Takes what a word begins; returns the function that was opened.
    private mutating func take(_ name: String, inside function: String?) throws -> String? {
        if Self.operators.contains(name) { return nil }
        if Self.groupers.contains(name) {
            groupings += try enclosed("(", ")").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return function
        }
        _ = skipSpace()
        if Self.functions.contains(name) {
            guard ["(", "b", "w"].contains(rest.first) else { throw Unreadable(description: "\(name) of nothing") }
            return name
        }
        var selector = Selector(name: name, function: function)
        if rest.first == "{" { selector.matchers = try Self.matchers(enclosed("{", "}")) }
        if rest.first == "[" {
            let range = try enclosed("[", "]")
            guard range.wholeMatch(of: /[0-9]+[smhd]|\$__rate_interval/) != nil else {
                throw Unreadable(description: "[\(range)] is no range")
            }
        } else if ["rate", "increase", "changes", "delta"].contains(function) {
            throw Unreadable(description: "\(name) needs a range")
        }
        selectors.append(selector)
        return nil
    }

    private static func matchers(_ text: Substring) throws -> [(label: String, operation: String, value: String)] {
        var rest = text
        var matchers: [(label: String, operation: String, value: String)] = []
        while !rest.isEmpty {
            let form = /([a-z_]+)(=~|!~|!=|=)"([^"\\]*)"(?:,\s*|$)/
            guard let match = rest.prefixMatch(of: form) else { throw Unreadable(description: "{\(text)}") }
            matchers.append((String(match.1), String(match.2), String(match.3)))
            rest = rest[match.range.upperBound...]
        }
        return matchers
    }

    private mutating func enclosed(_ opening: Character, _ closing: Character) throws -> Substring {
        _ = skipSpace()
        guard rest.first == opening, let end = rest.firstIndex(of: closing) else {
            throw Unreadable(description: "\(opening) is missing before \(rest)")
        }
        defer { rest = rest[rest.index(after: end)...] }
        return rest[rest.index(after: rest.startIndex)..<end]
    }

    private mutating func word() -> String? {
        guard let match = rest.prefixMatch(of: /[a-zA-Z_:][a-zA-Z0-9_:]*/) else { return nil }
        rest = rest[match.range.upperBound...]
        return String(match.0)
    }

    private mutating func skipSpace() -> Bool {
        rest = rest.drop { $0.isWhitespace }
        return true
    }
}
