import Foundation
import OrgLoopConnector
import Yams

/// What has to change in a project so that it reads from the queue and reports outcomes to it.
struct ProjectPlan {
    /// One thing to add, as a person would do it.
    struct Step {
        /// File and place.
        let place: String
        let yaml: [String]
        /// Why it cannot be done here; `nil` when `changes` do it.
        var obstacle: String?
    }

    /// A file before and after.
    struct FileChange {
        let name: String
        let path: String
        /// `nil` for a file that is new.
        let old: String?
        let new: String

        var diff: [String] { UnifiedDiff(name: name, old: old, new: new).lines }

        /// Puts the file back as it was, as far as that is possible; whoever calls has an error to tell of already.
        func undo() {
            if let old {
                try? ProjectFile.write(path, Array(old.utf8))
            } else {
                unlink(path)
            }
        }
    }

    private(set) var steps: [Step] = []
    /// In the order in which they are written: what is listed exists before it is listed.
    private(set) var changes: [FileChange] = []
    /// The sources that now read from the queue, so that their senders must post there.
    private(set) var moved: [String] = []
    /// Those of them that the engine asks for seldom: it had its webhooks at once, and has them by polling now.
    private(set) var slow: [(id: String, interval: String)] = []

    private static let sourceFile = "connectors/orgloop-queue.yaml"
    private static let loggerFile = "loggers/orgloop-queue.yaml"
    private let project: ProjectFiles
    private let target: SourceBlock.Target
    /// What the project's file is to list besides: key and name.
    private var listed: [(key: String, name: String)] = []

    /// - Parameter sources: The sources to change; empty for all that the queue can receive.
    /// - Throws: ``CommandFailure`` when a source is named that is not there, or cannot be received.
    init(_ project: ProjectFiles, url: String, sources: [String]) throws {
        self.project = project
        target = SourceBlock.Target(url: url)
        try planSources(named: sources)
        planLogger()
        planLists()
    }

    var isDone: Bool { steps.isEmpty }
    /// What has to be done by hand.
    var obstacles: [Step] { steps.filter { $0.obstacle != nil } }

    // MARK: Sources

    private mutating func planSources(named: [String]) throws {
        // The engine passes over sources in the project's own file; the queue's `serve` reads them there.
        let blocks = ([project.root] + project.connectors).map { file in
            (file: file, blocks: file.elements("sources").map(SourceBlock.init))
        }
        let all = blocks.flatMap { $0.blocks.compactMap(\.self) }
        for id in named {
            guard let block = all.first(where: { $0.id == id }) else {
                throw CommandFailure(
                    message: "no connector file of the project has a source \(id)",
                    mend: "Its sources: \(all.map(\.id).joined(separator: ", "))")
            }
            guard block.isOurs || block.isReceivable else {
                throw CommandFailure(
                    message: "the queue cannot receive what source \(id) reads: \(block.connector)",
                    mend: "It can receive: " + Connector.allCases.map(\.rawValue).joined(separator: ", "))
            }
        }
        for (file, blocks) in blocks {
            let chosen = blocks.enumerated().filter { _, block in
                guard let block, block.isReceivable, !block.isOurs else { return false }
                return named.isEmpty || named.contains(block.id)
            }
            if !chosen.isEmpty { change(file, chosen.compactMap { index, block in block.map { (index, $0) } }) }
        }
        if all.isEmpty || !all.contains(where: { $0.isOurs || $0.isReceivable }) { addSource(besides: all) }
    }

    private mutating func change(_ file: ProjectFiles.File, _ blocks: [(index: Int, block: SourceBlock)]) {
        guard file.path != project.root.path else {
            steps += blocks.map { _, block in
                Step(
                    place: "\(file.name), source \(block.id): move it to a file under connectors, with these keys",
                    yaml: block.yaml(target), obstacle: "it stands where the engine does not look for sources")
            }
            return
        }
        var text = EditableText(file.text)
        var changes: [EditableText.Change] = []
        var expected = file.root.map(YAMLMeaning.init) ?? .map([:])
        var sources = expected["sources"]?.elements ?? []
        var obstacle = file.hasAnchors ? "the file gives names to parts of it, with &" : nil
        for (index, block) in blocks {
            do {
                changes += try block.changes(target, in: text)
            } catch {
                obstacle = obstacle ?? (error as? SourceBlock.Obstacle)?.reason
            }
            sources[index] = block.meaning(after: target)
            moved.append(block.id)
            if let interval = block.slowInterval { slow.append((block.id, interval)) }
        }
        expected["sources"] = .list(sources)
        text.apply(changes)
        obstacle = obstacle ?? Self.objection(to: text.text, expected)
        steps += blocks.map { _, block in
            Step(
                place: "\(file.name), source \(block.id): change or add these keys",
                yaml: block.yaml(target), obstacle: obstacle)
        }
        if obstacle == nil {
            self.changes.append(FileChange(name: file.name, path: file.path, old: file.text, new: text.text))
        }
    }

    /// A project that reads nothing the queue receives gets the queue's default source.
    private mutating func addSource(besides all: [SourceBlock]) {
        let id = "claude-code"
        let content = [
            "apiVersion: orgloop/v1alpha1", "kind: ConnectorGroup", "sources:", "  - id: \(id)",
            "    connector: \(SourceBlock.Target.connector)", "    config:",
            "      receives: \"\(Connector.claudeCode.rawValue)\"", "      url: \"\(target.url)\"",
            "    poll: { interval: \(SourceBlock.Target.interval) }",
        ]
        let isTaken = all.contains { $0.id == id }
        add(
            Self.sourceFile, content, under: "connectors",
            obstacle: isTaken ? "the project has a source \(id) of another kind" : nil)
        moved.append(id)
    }

    // MARK: The logger

    private mutating func planLogger() {
        let loggers = project.loggers.flatMap { $0.elements("loggers") }
        let types = loggers.compactMap { $0.mapping?["type"]?.scalar?.string }
        guard !types.contains(where: { $0.hasSuffix(ConnectorModule.fileName) }) else { return }
        let content = [
            "apiVersion: orgloop/v1alpha1", "kind: LoggerGroup", "loggers:",
            "  # Tells the queue what became of each event.",
            "  - { name: orgloop-queue, type: \(SourceBlock.Target.connector), config: {} }",
        ]
        add(Self.loggerFile, content, under: "loggers", obstacle: nil)
    }

    // MARK: New files

    private mutating func add(_ name: String, _ content: [String], under key: String, obstacle: String?) {
        let text = content.joined(separator: "\n") + "\n"
        let path = project.path(of: name)
        // A file of that name that is listed was looked at already; one that is not is taken if it is the same.
        let existing = try? ProjectFile.text(path)
        let isOther = existing != nil && existing != text
        let reason = obstacle ?? (isOther ? "the file exists and says something else" : nil)
        steps.append(Step(place: name, yaml: content, obstacle: reason))
        if reason == nil, existing == nil {
            changes.append(FileChange(name: name, path: path, old: nil, new: text))
        }
        if !project.lists(name, under: key) { listed.append((key, name)) }
    }

    private mutating func planLists() {
        guard !listed.isEmpty, let root = project.root.root else { return }
        var text = EditableText(project.root.text)
        var changes: [EditableText.Change] = []
        var expected = YAMLMeaning(root)
        var obstacle = project.root.hasAnchors ? "the file gives names to parts of it, with &" : nil
        // A new list goes below what is added to the last one.
        let lists = listed.map { (list: FileList(key: $0.key, root: root), name: $0.name) }
        for (list, name) in lists.filter({ !$0.list.isMissing }) + lists.filter({ $0.list.isMissing }) {
            do {
                changes.append(try list.adding(name, in: text))
            } catch {
                obstacle = obstacle ?? (error as? SourceBlock.Obstacle)?.reason
            }
            expected[list.key] = list.meaning(with: name, in: text)
        }
        text.apply(changes)
        obstacle = obstacle ?? Self.objection(to: text.text, expected)
        steps += listed.map { key, name in
            Step(
                place: "\(project.root.name), in the list \(key)", yaml: ["\(key):", "  - \(name)"],
                obstacle: obstacle)
        }
        if obstacle == nil {
            self.changes.append(
                FileChange(
                    name: project.root.name, path: project.root.path, old: project.root.text, new: text.text))
        }
    }

    /// Why `text` must not be written: it does not say what was meant.
    private static func objection(to text: String, _ expected: YAMLMeaning) -> String? {
        guard let node = try? Yams.compose(yaml: text), YAMLMeaning(node) == expected else {
            return "it is written in an unusual way, which an edit here would break"
        }
        return nil
    }
}
