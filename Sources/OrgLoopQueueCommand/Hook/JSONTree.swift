/// JSON that is to be written into a text of somebody else's style.
indirect enum JSONTree: Sendable {
    case string(String)
    case number(Int)
    case array([JSONTree])
    case object([(String, JSONTree)])

    /// The value as `layout` writes it; its first line is not indented, because it stands behind something.
    func text(_ layout: JSONLayout) -> String {
        switch self {
        case .string(let text): return JSONOutput.quoted(text)
        case .number(let number): return "\(number)"
        case .array(let elements): return Self.enclosed("[", elements.map { $0.text(layout.nested) }, "]", layout)
        case .object(let members):
            let items = members.map { JSONOutput.quoted($0.0) + layout.colon + $0.1.text(layout.nested) }
            return Self.enclosed("{", items, "}", layout)
        }
    }

    private static func enclosed(_ open: String, _ items: [String], _ close: String, _ layout: JSONLayout) -> String {
        let inner = layout.nested
        return open + inner.break + items.joined(separator: "," + inner.separator) + layout.break + close
    }
}

/// How a JSON text is laid out at one place.
struct JSONLayout: Sendable {
    /// What ends a line; `nil` where everything stands on one.
    let newline: String?
    /// What a line begins with at this depth.
    let indent: String
    /// What each depth adds to it.
    let unit: String
    /// What follows a comma or a colon within a line.
    let space: String

    /// The layout of what stands one level deeper.
    var nested: JSONLayout { JSONLayout(newline: newline, indent: indent + unit, unit: unit, space: space) }

    /// A new line at this depth, if there are lines.
    var `break`: String { newline.map { $0 + indent } ?? "" }

    /// What stands between a comma and the next item at this depth.
    var separator: String { newline == nil ? space : `break` }

    var colon: String { newline == nil ? ":" + space : ": " }
}
