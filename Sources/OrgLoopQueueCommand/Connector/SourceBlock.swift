import OrgLoopConnector
import Yams

/// A `sources:` element of a project.
struct SourceBlock {
    /// What a source is changed into.
    struct Target {
        /// How files of a project name the module: the engine resolves it against the project's directory,
        /// wherever the file lies that names it.
        static let connector = "./" + ConnectorModule.fileName
        /// Otherwise the engine would ask once in its `poll_interval`, which is 5m where nothing is said.
        static let interval = "1s"

        let url: String
    }

    /// Why a block is left as it is.
    struct Obstacle: Error {
        let reason: String
    }

    let id: String
    let connector: String
    private let node: Node

    /// `nil` for an element that is no source at all.
    init?(_ node: Node) {
        guard let id = node.mapping?["id"]?.scalar?.string,
            let connector = node.mapping?["connector"]?.scalar?.string
        else { return nil }
        self.id = id
        self.connector = connector
        self.node = node
    }

    /// Whether it reads from a queue already.
    var isOurs: Bool { connector.hasSuffix(ConnectorModule.fileName) }

    /// Whether the queue can receive in its place.
    var isReceivable: Bool { Connector(rawValue: connector) != nil }

    /// How seldom the engine polls it, if that is worth a word; `nil` where it polls every few seconds.
    var slowInterval: String? {
        guard let text = node.mapping?["poll"]?.mapping?["interval"]?.scalar?.string,
            let interval = Quantities.duration(text), interval > Self.intervalMax
        else { return nil }
        return text
    }

    /// What somebody waits for without wondering.
    private static let intervalMax: Duration = .seconds(5)

    /// The keys to change or add, as YAML.
    func yaml(_ target: Target) -> [String] {
        let poll = node.mapping?["poll"] == nil ? ["poll: { interval: \(Target.interval) }"] : []
        return ["- id: \(id)", "  connector: \(Target.connector)", "  config:"]
            + configLines(target).map { "    " + $0 } + poll.map { "  " + $0 }
    }

    /// What the block says after the change.
    func meaning(after target: Target) -> YAMLMeaning {
        var meaning = YAMLMeaning(node)
        meaning["connector"] = .text(Target.connector)
        var config = meaning["config"] ?? .map([:])
        config["receives"] = .text(connector)
        config["url"] = .text(target.url)
        meaning["config"] = config
        if meaning["poll"] == nil { meaning["poll"] = .map(["interval": .text(Target.interval)]) }
        return meaning
    }

    /// The changes that make it read from the queue.
    ///
    /// - Throws: ``Obstacle`` where the block is written in a way that this does not edit.
    func changes(_ target: Target, in text: EditableText) throws -> [EditableText.Change] {
        guard let mapping = node.mapping, !text.startsFlow(node) else {
            throw Obstacle(reason: "the source is written in braces")
        }
        let (line, column) = try place(of: "connector")
        guard let value = mapping["connector"]?.mark, value.line == line else {
            throw Obstacle(reason: "its connector stands on another line than the key")
        }
        let written = text.rest(ofLine: line, fromColumn: value.column)
        let spellings = ["\"\(connector)\"", "'\(connector)'", connector]
        guard let spelling = spellings.first(where: written.hasPrefix) else {
            throw Obstacle(reason: "its connector is written in an unusual way")
        }
        let indent = String(repeating: " ", count: column - 1)
        var below: [String] = []
        if mapping["poll"] == nil { below.append(indent + "poll: { interval: \(Target.interval) }") }
        var changes: [EditableText.Change] = [
            .replace(
                line: line, column: value.column, length: spelling.unicodeScalars.count, with: Target.connector)
        ]
        if let config = mapping["config"] {
            changes.append(try change(of: config, target, indent: indent, in: text))
        } else {
            below += [indent + "config:"] + configLines(target).map { indent + "  " + $0 }
        }
        if !below.isEmpty { changes.append(.insert(below, afterLine: line)) }
        return changes
    }

    private func change(
        of config: Node, _ target: Target, indent: String, in text: EditableText
    ) throws -> EditableText.Change {
        let taken = ["receives", "url", "token", "token_file", "consumer", "limit"]
            .first { config.mapping?[$0] != nil }
        if let taken { throw Obstacle(reason: "its config has the key \(taken) already") }
        let (line, column) = try place(of: "config")
        let lines = configLines(target)
        if let mapping = config.mapping, let mark = config.mark, text.startsFlow(config) {
            let isSpaced = text.rest(ofLine: mark.line, fromColumn: mark.column + 1).hasPrefix(" ")
            let more = (mapping.isEmpty ? "" : ",") + (isSpaced ? "" : " ")
            return .replace(
                line: mark.line, column: mark.column, length: 1,
                with: "{ " + lines.joined(separator: ", ") + more)
        }
        let first = config.mapping?.first?.key.mark
        guard first != nil || config.saysNothing, isBare("config", text.rest(ofLine: line, fromColumn: column))
        else { throw Obstacle(reason: "its config is written in an unusual way") }
        let inner = first.map { String(repeating: " ", count: $0.column - 1) } ?? indent + "  "
        return .insert(lines.map { inner + $0 }, afterLine: line)
    }

    private func place(of key: String) throws -> (line: Int, column: Int) {
        guard let mark = node.mapping?.first(where: { $0.key.scalar?.string == key })?.key.mark else {
            throw Obstacle(reason: "its \(key) cannot be found in the text")
        }
        return (mark.line, mark.column)
    }

    /// Whether `text` is the key with nothing behind it but a comment.
    private func isBare(_ key: String, _ text: String) -> Bool {
        guard text.hasPrefix(key + ":") else { return false }
        let rest = text.dropFirst(key.count + 1).drop { $0 == " " }
        return rest.isEmpty || rest.hasPrefix("#")
    }

    private func configLines(_ target: Target) -> [String] {
        ["receives: \"\(connector)\"", "url: \"\(target.url)\""]
    }
}
