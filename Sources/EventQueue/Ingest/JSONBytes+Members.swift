extension JSONBytes {
    /// Appends a comma, a name, and a value that is JSON already.
    mutating func member(_ name: String, _ value: some Collection<UInt8>) {
        literal(",")
        string(name)
        literal(":")
        raw(value)
    }

    /// Appends the value at a path of `text`, as it stands there; nothing when it is not a string or a number.
    mutating func member(_ name: String, at path: [String], of text: JSONText) {
        member(name, atFirst: [path], of: text)
    }

    /// Appends the value at the first of several paths where there is a string or a number.
    mutating func member(_ name: String, atFirst paths: [[String]], of text: JSONText) {
        let values = paths.lazy.compactMap { text.value(at: $0) }
        guard let value = values.first(where: { [.string, .number].contains($0.kind) }) else { return }
        member(name, text.raw(value))
    }
}
