import Yams

/// A text that is changed line by line, so that everything else in it stays as it was.
///
/// Lines and columns count from 1, columns in Unicode scalars, as YAML marks do.
struct EditableText {
    /// One change; several of one text are applied from its end, so that none moves another's place.
    enum Change {
        case insert([String], afterLine: Int)
        case replace(line: Int, column: Int, length: Int, with: String)

        var line: Int {
            switch self {
            case .insert(_, let line): line
            case .replace(let line, _, _, _): line
            }
        }
    }

    private var lines: [[Unicode.Scalar]]
    /// Whether lines end in CR LF, as editors on Windows save them.
    private let hasCarriageReturns: Bool

    init(_ text: String) {
        lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        hasCarriageReturns = lines.count > 1 && lines[0].last == "\r"
    }

    var text: String {
        String(String.UnicodeScalarView(lines.joined(separator: ["\n"])))
    }

    /// The number of the last line that has something in it.
    var lastLine: Int { lines.count - (lines.last?.isEmpty == true ? 1 : 0) }

    /// What stands in a line, from a column on.
    func rest(ofLine line: Int, fromColumn column: Int = 1) -> String {
        guard lines.indices.contains(line - 1) else { return "" }
        var scalars = lines[line - 1].dropFirst(column - 1)
        if scalars.last == "\r" { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }

    mutating func apply(_ changes: [Change]) {
        for change in changes.enumerated().sorted(by: { ($0.element.line, $0.offset) > ($1.element.line, $1.offset) }) {
            apply(change.element)
        }
    }

    private mutating func apply(_ change: Change) {
        switch change {
        case .replace(let line, let column, let length, let text):
            lines[line - 1].replaceSubrange((column - 1)..<(column - 1 + length), with: text.unicodeScalars)
        case .insert(let new, let line):
            let ending: [Unicode.Scalar] = hasCarriageReturns ? ["\r"] : []
            lines.insert(contentsOf: new.map { Array($0.unicodeScalars) + ending }, at: line)
            // A last line without its end gets one, and the text ends as files do.
            if line == lines.count - new.count {
                if line > 0, !ending.isEmpty, lines[line - 1].last != "\r" { lines[line - 1] += ending }
                lines.append([])
            }
        }
    }
}

extension EditableText {
    /// Whether a node is written in braces or brackets; Yams takes a node's style from the wrong event.
    func startsFlow(_ node: Node) -> Bool {
        guard let mark = node.mark else { return false }
        let text = rest(ofLine: mark.line, fromColumn: mark.column)
        return text.hasPrefix("{") || text.hasPrefix("[")
    }
}
