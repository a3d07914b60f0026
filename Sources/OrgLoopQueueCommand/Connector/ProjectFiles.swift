import Yams

/// The files of an OrgLoop project that say what it reads and where it logs.
struct ProjectFiles {
    /// One of them.
    struct File {
        /// As the project's file names it.
        let name: String
        let path: String
        let text: String
        /// What it says; `nil` for an empty file.
        let root: Node?
        let hasAnchors: Bool

        /// The elements of the list under `key`.
        func elements(_ key: String) -> [Node] { root?.mapping?[key]?.sequence.map(Array.init) ?? [] }
    }

    /// The engine looks for this and nothing else.
    static let rootName = "orgloop.yaml"

    let directory: String
    let root: File
    /// The listed files that exist; the engine passes over the others, too.
    let connectors: [File]
    let loggers: [File]

    /// - Throws: ``CommandFailure`` when it is no project, or a file cannot be read.
    init(_ directory: String) throws {
        self.directory = directory
        guard let root = try Self.file(Self.rootName, in: directory), root.root?.mapping != nil else {
            throw CommandFailure(
                message: "there is no OrgLoop project in \(directory): no \(Self.rootName) with something in it",
                mend: "Name the directory of a project, or make one with: orgloop init.")
        }
        self.root = root
        connectors = try Self.files(root, "connectors", in: directory)
        loggers = try Self.files(root, "loggers", in: directory)
    }

    /// Whether `key` of the project's file lists `name`, however it spells it.
    func lists(_ name: String, under key: String) -> Bool {
        Self.names(root, key).contains { ($0.hasPrefix("./") ? String($0.dropFirst(2)) : $0) == name }
    }

    /// Relative names start at the project's directory.
    func path(of name: String) -> String { Self.path(of: name, in: directory) }

    /// Reads a file of the project; `nil` when there is none.
    static func file(_ name: String, in directory: String) throws -> File? {
        let path = path(of: name, in: directory)
        guard let text = try ProjectFile.text(path) else { return nil }
        do {
            try YAMLBounds.check(text)
            let parser = try Parser(yaml: text)
            return try withExtendedLifetime(parser) {
                let node = try parser.singleRoot()
                return File(
                    name: name, path: path, text: text, root: node, hasAnchors: node?.hasAnchors ?? false)
            }
        } catch {
            throw CommandFailure(message: "\(path) is not valid YAML: \(error)", mend: "Mend it, then try again.")
        }
    }

    private static func names(_ root: File, _ key: String) -> [String] {
        root.elements(key).compactMap { $0.scalar?.string }
    }

    private static func files(_ root: File, _ key: String, in directory: String) throws -> [File] {
        try names(root, key).compactMap { try file($0, in: directory) }
    }

    private static func path(of name: String, in directory: String) -> String {
        name.hasPrefix("/") ? name : directory + "/" + name
    }
}
