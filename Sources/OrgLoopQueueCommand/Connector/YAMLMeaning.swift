import Yams

/// What a YAML document says, whatever it looks like; an edit is checked against it.
indirect enum YAMLMeaning: Equatable {
    case scalar(String, tag: String)
    case list([YAMLMeaning])
    case map([String: YAMLMeaning])

    static func text(_ text: String) -> YAMLMeaning { .scalar(text, tag: Tag.Name.str.rawValue) }

    init(_ node: Node) {
        switch node {
        case .scalar(let scalar): self = .scalar(scalar.string, tag: node.tag.description)
        case .sequence(let sequence): self = .list(sequence.map(YAMLMeaning.init))
        case .mapping(let mapping):
            let pairs = mapping.map { ($0.key.scalar?.string ?? "\(YAMLMeaning($0.key))", YAMLMeaning($0.value)) }
            self = .map(Dictionary(pairs) { $1 })
        case .alias(let alias): self = .scalar(alias.anchor.rawValue, tag: "alias")
        }
    }

    /// The member of a map; setting one of anything else makes it a map.
    subscript(_ key: String) -> YAMLMeaning? {
        get {
            guard case .map(let members) = self else { return nil }
            return members[key]
        }
        set {
            var members: [String: YAMLMeaning] = [:]
            if case .map(let existing) = self { members = existing }
            members[key] = newValue
            self = .map(members)
        }
    }

    /// The elements of a list; none of anything else.
    var elements: [YAMLMeaning] {
        get {
            guard case .list(let elements) = self else { return [] }
            return elements
        }
        set { self = .list(newValue) }
    }
}

extension Node {
    /// Whether a name is given to any part of it, which an edit in one place would change in others.
    ///
    /// Nodes hold their anchors weakly: ask while the parser that read them lives.
    var hasAnchors: Bool {
        switch self {
        case .scalar(let scalar): scalar.anchor != nil
        case .mapping(let mapping):
            mapping.anchor != nil || mapping.contains { $0.key.hasAnchors || $0.value.hasAnchors }
        case .sequence(let sequence): sequence.anchor != nil || sequence.contains(where: \.hasAnchors)
        case .alias: true
        }
    }

    /// Whether a key stands there without a value.
    var saysNothing: Bool { tag == Tag(.null) }
}
