import Yams

/// A list of files in a project's file, `connectors:` or `loggers:`.
struct FileList {
    let key: String
    let root: Node

    /// The change that adds `name`.
    ///
    /// - Throws: ``SourceBlock/Obstacle`` where the list is written in a way that this does not edit.
    func adding(_ name: String, in text: EditableText) throws -> EditableText.Change {
        guard let mapping = root.mapping, !text.startsFlow(root) else {
            throw SourceBlock.Obstacle(reason: "the project is written in braces")
        }
        guard let pair = mapping.first(where: { $0.key.scalar?.string == key }) else {
            return .insert(["\(key):", "  - \(name)"], afterLine: text.lastLine)
        }
        guard let place = pair.key.mark else {
            throw SourceBlock.Obstacle(reason: "\(key) cannot be found in the text")
        }
        if let list = pair.value.sequence {
            return try adding(name, to: list, in: text)
        }
        guard pair.value.saysNothing, text.rest(ofLine: place.line, fromColumn: place.column) == "\(key):" else {
            throw SourceBlock.Obstacle(reason: "\(key) is no list")
        }
        return .insert(["  - \(name)"], afterLine: place.line)
    }

    /// Whether the project's file has no such list, so that one is put at its end.
    var isMissing: Bool { root.mapping?[key] == nil }

    /// The list with `name` in it.
    func meaning(with name: String, in text: EditableText) -> YAMLMeaning {
        let elements = YAMLMeaning(root)[key]?.elements ?? []
        // The end of a list in brackets has no mark, so a name is added in front there.
        let isInBrackets = root.mapping?[key].map(text.startsFlow) ?? false
        return .list(isInBrackets ? [.text(name)] + elements : elements + [.text(name)])
    }

    private func adding(
        _ name: String, to list: Node.Sequence, in text: EditableText
    ) throws -> EditableText.Change {
        if let mark = list.mark, text.startsFlow(.sequence(list)) {
            return .replace(
                line: mark.line, column: mark.column, length: 1, with: "[" + name + (list.isEmpty ? "" : ", "))
        }
        guard let last = list.last?.mark else {
            throw SourceBlock.Obstacle(reason: "\(key) is written in an unusual way")
        }
        let line = text.rest(ofLine: last.line)
        let indent = line.prefix { $0 == " " }
        guard line.dropFirst(indent.count).hasPrefix("- ") else {
            throw SourceBlock.Obstacle(reason: "\(key) is written in an unusual way")
        }
        return .insert([indent + "- " + name], afterLine: last.line)
    }
}
