import EventQueue
import Foundation
import Yams

/// The sources of an OrgLoop project that the queue receives for: of its `orgloop.yaml` and the files which that
/// lists, or of one such file.
///
/// OrgLoop's grammar is OrgLoop's: what does not concern the queue is neither judged nor substituted. A block
/// that does is read as strictly as in our own file.
struct OrgLoopProject {
    static let fileName = "orgloop.yaml"

    private let root: String
    private let environment: [String: String]
    private var configuration = FileConfiguration()
    private var problems: [ConfigurationProblem] = []
    /// How many blocks are for the queue, those with mistakes included.
    private var blocks = 0
    private var seen: [Source.ID: ConfigurationProblem.Origin] = [:]

    /// The kinds of OrgLoop's files that have sources or lead to some.
    private enum Kind: String { case project = "Project", connectorGroup = "ConnectorGroup" }

    /// Whether a document is OrgLoop's. One with a key that only we have is ours, whatever it calls itself.
    static func isRoot(_ document: Node) -> Bool {
        kind(of: document) != nil && !FileConfiguration.ownKeys.contains { document.member($0) != nil }
    }

    private static func kind(of document: Node) -> Kind? {
        document.member("kind")?.scalar.flatMap { Kind(rawValue: $0.string) }
    }

    /// Reads everything that begins at `file`, which holds `document`.
    static func read(
        _ document: Node, file: String, environment: [String: String]
    ) -> (configuration: FileConfiguration, problems: [ConfigurationProblem]) {
        let directory =
            switch kind(of: document) {
            case .project: EventQueue.directory(ofFile: file)
            case .connectorGroup, nil: projectDirectory(of: file)
            }
        let settings = path(".env", beside: directory + "/" + fileName)
        // OrgLoop reads this file as well, and the environment wins there, too.
        let known = ProjectEnvironment.read(settings)
        var project = OrgLoopProject(root: file, environment: (known ?? [:]).merging(environment) { $1 })
        if known != nil { project.configuration.files.append(settings) }
        project.configuration.directory = directory
        project.configuration.sources = []
        project.takeRoot(document)
        return (project.configuration, project.problems)
    }

    private init(root: String, environment: [String: String]) {
        self.root = root
        self.environment = environment
    }

    // MARK: Files

    private mutating func takeRoot(_ document: Node) {
        var reader = ConfigurationReader(file: root, environment: environment)
        let top = reader.root(document)
        takeSources(of: document, in: root)
        var files: [(path: String, entry: ConfigurationReader.Entry)] = []
        if let list = reader.member("connectors", of: top), !list.isNull {
            for entry in reader.elements(list) ?? [] {
                guard let name = reader.text(entry, allowed: "allowed: the path of a file") else { continue }
                let path = Self.path(name, beside: root)
                if files.contains(where: { $0.path == path }) {
                    reader.report("is listed twice", at: entry, allowed: "allowed: each file once")
                } else {
                    files.append((path, entry))
                }
            }
        }
        if let modules = reader.member("modules", of: top)?.node.sequence, !modules.isEmpty {
            configuration.notices.append("\(root): sources of modules are not looked for, only those of connectors")
        }
        problems += reader.problems
        for file in files { takeFile(file.path) }
        guard blocks == 0, problems.isEmpty else { return }
        problems.append(
            .whole(
                root, "has no source that the queue receives for",
                allowed: "allowed connectors: \(Connector.names), or a path of \(Connector.ownFile)"))
    }

    private mutating func takeFile(_ path: String) {
        guard FileManager.default.fileExists(atPath: path) else {
            configuration.notices.append("\(path), which \(root) lists, is not there: skipped, as OrgLoop does")
            return
        }
        configuration.files.append(path)
        do throws(ConfigurationProblem) {
            if let document = try ConfigurationDocument.read(path) { takeSources(of: document, in: path) }
        } catch {
            problems.append(error)
        }
    }

    // MARK: Sources

    private mutating func takeSources(of document: Node, in file: String) {
        var reader = ConfigurationReader(file: file, environment: environment)
        guard let list = reader.member("sources", of: reader.root(document)), !list.isNull else { return }
        for element in reader.elements(list) ?? [] { take(element, with: &reader) }
        problems += reader.problems.sorted { $0.origin.precedes($1.origin) }
    }

    private mutating func take(_ element: ConfigurationReader.Entry, with reader: inout ConfigurationReader) {
        guard let entry = reader.member("connector", of: element), let spelling = entry.spelling else {
            return reader.report("has no connector", at: element, allowed: "allowed: a source with its connector")
        }
        let id = reader.member("id", of: element)?.spelling ?? "without an id"
        let place = "source \(id) (\(element.origin)) is skipped"
        guard let name = try? Substitution.apply(to: spelling, environment: environment) else {
            configuration.notices.append("\(place): a variable of its connector is not set")
            return
        }
        var moreKeys: [String] = []
        var connector = Connector(rawValue: name)
        if Connector.isOwn(name) {
            moreKeys = Connector.ownKeys
            let config = reader.member("config", of: element)
            let receives = config.flatMap { reader.member("receives", of: $0) }
            connector = receives == nil ? .claudeCode : reader.choice(receives, of: Connector.self)
        } else if connector == nil {
            configuration.notices.append("\(place): the queue does not receive for \(name)")
            return
        }
        blocks += 1
        moreKeys += connector?.ignoredKeys ?? Connector.allCases.flatMap(\.ignoredKeys)
        let block = SourceConfiguration.block(element, for: connector, moreKeys: moreKeys, with: &reader)
        if let id = block.id, let first = seen.updateValue(element.origin, forKey: id) {
            reader.report(
                "the source \(id) is defined twice, before at \(first)", at: element,
                allowed: "allowed: each id once in a project")
        }
        if let source = block.source { configuration.sources?.append(source) }
    }

    // MARK: Places

    /// A path in a file of OrgLoop is relative to that file.
    private static func path(_ name: String, beside file: String) -> String {
        let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
        let directory = directory(ofFile: file)
        return name.hasPrefix("/") || directory == "." ? name : directory + "/" + name
    }

    /// The directory of the project that a file belongs to, which has an `orgloop.yaml`; else that of the file.
    ///
    /// OrgLoop's connectors take a relative `buffer_dir` from where the engine was started, and it looks for its
    /// `orgloop.yaml` there.
    private static func projectDirectory(of file: String) -> String {
        let own = directory(ofFile: file)
        guard let real = realpath(own, nil) else { return own }
        defer { free(real) }
        var candidate = String(cString: real)
        while candidate != "/" {
            if FileManager.default.fileExists(atPath: candidate + "/" + fileName) { return candidate }
            candidate = directory(ofFile: candidate)
        }
        return own
    }
}
