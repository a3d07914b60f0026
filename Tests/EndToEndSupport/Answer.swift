import Foundation

/// A JSON value that a test reads by name.
package struct Answer {
    package let value: Any?

    package init(_ text: String) throws {
        value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    private init(value: Any?) { self.value = value }

    package subscript(_ name: String) -> Answer { Answer(value: (value as? [String: Any])?[name]) }

    package var list: [Answer] { (value as? [Any] ?? []).map { Answer(value: $0) } }
    /// The text; empty for every other value, which no expectation takes for one.
    package var text: String { value as? String ?? "" }
    package var number: Int? { value as? Int }
    package var isNull: Bool { value is NSNull }
}
