import Yams

/// Takes typed values out of a YAML document and collects everything that is wrong with it.
///
/// A value that cannot be used is reported and read as absent, so that one pass finds all problems.
/// Messages quote a value as the file spells it, before substitution: what a variable holds may be secret.
struct ConfigurationReader {
    /// A value and where it stands.
    struct Entry {
        /// The path of its key, like `limits.body_bytes_max`.
        let path: String
        let origin: ConfigurationProblem.Origin
        let node: Node

        var isMapping: Bool { node.mapping != nil }
        /// Whether the file gives a key and no value.
        var isNull: Bool { node.isNull }
        /// A single value as the file spells it.
        var spelling: String? { node.scalar?.string }
    }

    let file: String
    let environment: [String: String]
    private(set) var problems: [ConfigurationProblem] = []

    init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    mutating func report(_ problem: String, at entry: Entry, allowed: String) {
        problems.append(
            ConfigurationProblem(origin: entry.origin, key: entry.path, problem: problem, allowed: allowed))
    }

    /// The document's top as an entry.
    func root(_ node: Node) -> Entry { Entry(path: "", origin: origin(of: node), node: node) }

    /// The members of a mapping by key; unknown keys are reported with the nearest known one.
    ///
    /// - Parameter ignored: Keys that are right and mean nothing here.
    mutating func members(_ entry: Entry?, keys: [String], ignoring ignored: [String] = []) -> [String: Entry] {
        guard let entry else { return [:] }
        guard let mapping = entry.node.mapping else {
            report("is \(kind(of: entry.node))", at: entry, allowed: "allowed: the keys \(list(keys))")
            return [:]
        }
        var members: [String: Entry] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? "?"
            let path = entry.path.isEmpty ? name : "\(entry.path).\(name)"
            if keys.contains(name) {
                members[name] = Entry(path: path, origin: origin(of: value), node: value)
            } else if !ignored.contains(name) {
                let near = Nearest.match(for: name, among: keys).map { ", probably '\($0)' is meant" } ?? ""
                let unknown = Entry(path: path, origin: origin(of: key), node: key)
                report("unknown key\(near)", at: unknown, allowed: "allowed: \(list(keys))")
            }
        }
        return members
    }

    /// One member of a mapping, whatever else it has; `nil` when there is none, and where there is no mapping.
    func member(_ name: String, of entry: Entry) -> Entry? {
        entry.node.member(name).map { node in
            Entry(
                path: entry.path.isEmpty ? name : "\(entry.path).\(name)", origin: origin(of: node), node: node)
        }
    }

    /// The elements of a list.
    mutating func elements(_ entry: Entry?) -> [Entry]? {
        guard let entry else { return nil }
        guard let sequence = entry.node.sequence else {
            report("is \(kind(of: entry.node))", at: entry, allowed: "allowed: a list")
            return nil
        }
        return sequence.enumerated().map { index, node in
            Entry(path: "\(entry.path)[\(index)]", origin: origin(of: node), node: node)
        }
    }

    /// A scalar with its variables substituted; an empty one is reported.
    mutating func text(_ entry: Entry?, allowed: String) -> String? {
        guard let entry else { return nil }
        guard let scalar = entry.node.scalar else {
            report("is \(kind(of: entry.node))", at: entry, allowed: allowed)
            return nil
        }
        do throws(Substitution.Failure) {
            let text = try Substitution.apply(to: scalar.string, environment: environment)
            if !text.isEmpty, !entry.node.isNull { return text }
            report("is empty", at: entry, allowed: allowed)
        } catch {
            switch error {
            case .unset(let name):
                report("the variable \(name) is not set", at: entry, allowed: "set it, or remove the key")
            case .malformed:
                report("'${' without a name and '}'", at: entry, allowed: "allowed: ${NAME}")
            }
        }
        return nil
    }

    /// A scalar as `parse` understands it.
    mutating func value<Value>(
        _ entry: Entry?, allowed: String, parse: (String) -> Value?
    ) -> Value? {
        guard let entry, let text = text(entry, allowed: allowed) else { return nil }
        if let value = parse(text) { return value }
        report("'\(entry.node.scalar?.string ?? "")' is not allowed", at: entry, allowed: allowed)
        return nil
    }

    /// One of the raw values of an enumeration.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ entry: Entry?, of type: Choice.Type
    ) -> Choice? {
        let allowed = "allowed: " + list(Choice.allCases.map(\.rawValue))
        return value(entry, allowed: allowed) { Choice(rawValue: $0) }
    }

    private func origin(of node: Node) -> ConfigurationProblem.Origin {
        .file(file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    private func kind(of node: Node) -> String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar, .alias: node.isNull ? "empty" : "a single value"
        }
    }

    private func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}

extension Node {
    /// Whether the file gives a key and no value.
    fileprivate var isNull: Bool { tag == Tag(.null) }

    /// The member of a mapping; `nil` in every other node.
    func member(_ name: String) -> Node? { mapping?.first { $0.key.scalar?.string == name }?.value }
}
