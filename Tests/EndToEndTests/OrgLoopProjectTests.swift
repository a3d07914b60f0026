import EventQueue
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// What the queue reads of an OrgLoop project, and what it leaves to OrgLoop.
@Suite struct OrgLoopProjectTests {
    // MARK: Accepted

    @Test(arguments: ["orgloop.yaml", "connectors/claude-code.yaml", "."])
    func `a project of the seed is accepted as it is, by any of its names`(name: String) throws {
        let project = try Project()
        try project.write(Self.root, to: "orgloop.yaml")
        try project.write(Self.claudeCode, to: "connectors/claude-code.yaml")
        try project.write(Self.github, to: "connectors/github.yaml")
        let configuration = try project.load(name)
        let source = try #require(configuration.sources.first)
        #expect(configuration.sources.count == 1)
        #expect(source.id.rawValue == "claude-code")
        #expect(source.kind == .claudeCode(.sessionExited))
        #expect(source.verification.keyIDs.count == 1)
        #expect(source.bufferDirectory == "/tmp/orgloop-claude-code")
        #expect(source.origin.map { "\($0)" }?.hasSuffix("connectors/claude-code.yaml:8:5") == true)
        #expect(configuration.listen.description == "127.0.0.1:4810")
        #expect(configuration.database == "/home/x/.local/state/orgloop-queue/queue.db")
    }

    @Test func `the environment may name a project as well`() throws {
        let project = try Project()
        try project.write(Self.group(""), to: "orgloop.yaml")
        let environment = ["HOME": "/home/x", "ORGLOOP_QUEUE_CONFIG": project.path, "ORGLOOP_QUEUE_DATABASE": "/q.db"]
        let configuration = try ConfigurationLoader(flags: .init(), environment: environment).load()
        #expect(configuration.file == project.path + "/orgloop.yaml")
        #expect(configuration.sources.map(\.id.rawValue) == ["a"])
        #expect(configuration.database == "/q.db")
    }

    @Test func `what the queue does not receive for is skipped with a notice, whatever it needs`() throws {
        let project = try Project()
        try project.write(Self.root, to: "orgloop.yaml")
        try project.write(Self.claudeCode, to: "connectors/claude-code.yaml")
        try project.write(Self.github, to: "connectors/github.yaml")
        let configuration = try project.load("orgloop.yaml")
        #expect(
            configuration.fileNotices == [
                "source github (\(project.path)/connectors/github.yaml:4:5) is skipped: the queue does not receive for "
                    + "@orgloop/connector-github",
                "\(project.path)/connectors/later.yaml, which \(project.path)/orgloop.yaml lists, is not there: "
                    + "skipped, as OrgLoop does",
            ])
        #expect(configuration.warnings.isEmpty)
        let names = ["claude-code", "github"].map { "\(project.path)/connectors/\($0).yaml" }
        #expect(configuration.files.sorted() == names)
    }

    @Test func `sources that stand in orgloop.yaml itself are read, as OrgLoop's examples have them`() throws {
        let project = try Project()
        try project.write(
            """
            apiVersion: orgloop/v1alpha1
            kind: Project
            metadata: { name: supervisor, description: d }
            defaults: { poll_interval: 5m }
            modules: [{ package: engineering, params: {} }]
            sources:
              - id: claude-code
                description: Claude Code session completion events
                labels: { team: a }
                connector: "@orgloop/connector-claude-code"
                config:
                  hook_type: post-exit
                emits:
                  - actor.stopped
            actors: [{ id: a, connector: b, config: { token: "${NOT_SET}" } }]
            routes: [{ name: r }]
            loggers: [{ name: l, type: t, config: { path: "${NOT_SET}" } }]
            """, to: "orgloop.yaml")
        let configuration = try project.load("orgloop.yaml")
        #expect(configuration.sources.map(\.id.rawValue) == ["claude-code"])
        #expect(configuration.fileNotices.map { $0.contains("modules") } == [true])
    }

    @Test(arguments: [
        ("./orgloop-queue.mjs", "", "@orgloop/connector-claude-code"),
        ("/srv/orgloop-queue.mjs", "receives: '@orgloop/connector-webhook', ", "@orgloop/connector-webhook"),
        ("file:///a/orgloop-queue.mjs", "receives: '@orgloop/connector-webhook', ", "@orgloop/connector-webhook"),
    ])
    func `a source with our own connector is read as the one it stands in for`(
        connector: String, receives: String, expected: String
    ) throws {
        let project = try Project()
        try project.write(
            """
            kind: ConnectorGroup
            sources:
              - id: a
                connector: "\(connector)"
                config: { \(receives)url: "${NOT_SET}", token: "${NOT_SET}", token_file: x, consumer: c, limit: 5,
                          secret: "${SECRET}", buffer_dir: /b }
                poll: { interval: 1s }
            """, to: "a.yaml")
        let source = try #require(try project.load("a.yaml").sources.first)
        #expect(source.connector.rawValue == expected)
        #expect(source.verification.keyIDs.count == 1)
        #expect(source.bufferDirectory == "/b")
    }

    @Test func `a relative buffer_dir lies in the project, where its engine is started`() throws {
        let project = try Project()
        try project.write("kind: Project\nconnectors: [connectors/a.yaml]", to: "orgloop.yaml")
        for (buffer, expected) in [("./buffer", "/./buffer"), ("b", "/b")] {
            try project.write(Self.group("config: { buffer_dir: \(buffer) }"), to: "connectors/a.yaml")
            for name in ["orgloop.yaml", "connectors/a.yaml"] {
                let path = try #require(try project.load(name).sources.first?.bufferDirectory)
                #expect(path.hasSuffix(project.path + expected))
            }
        }
        try project.write(Self.group("config: { buffer_dir: ~/b }"), to: "connectors/a.yaml")
        #expect(try project.load("orgloop.yaml").sources.first?.bufferDirectory == "/home/x/b")
    }

    @Test func `a variable may stand in the project's dot env file, as OrgLoop reads it`() throws {
        let project = try Project()
        try project.write("kind: Project\nconnectors: [connectors/a.yaml]", to: "orgloop.yaml")
        try project.write(Self.group("config: { secret: '${LOCAL}' }"), to: "connectors/a.yaml")
        #expect(project.problems("orgloop.yaml").map { $0.contains("the variable LOCAL is not set") } == [true])
        try project.write("LOCAL=one\nSECRET=not this", to: ".env")
        let one = try project.load("orgloop.yaml").sources.first?.verification.keyIDs
        #expect(one == Secret("one").map { [$0.keyID] })
        let files = [".env", "connectors/a.yaml"].map { "\(project.path)/\($0)" }
        #expect(try project.load("orgloop.yaml").files == files)
        try project.write(Self.group("config: { secret: '${SECRET}' }"), to: "connectors/a.yaml")
        let environment = try project.load("connectors/a.yaml").sources.first?.verification.keyIDs
        #expect(environment == Secret("hush hush").map { [$0.keyID] })
    }

    @Test func `a dot env file has names, values with or without quotes, and comments`() {
        let text = "# A=1\n\nB = two words \nexport C='3'\n  D=\"4=5\"\n  # E=6\nF=\nG\n=7\nH='8\"\n"
        let expected = ["B": "two words", "C": "3", "D": "4=5", "F": "", "H": "'8\""]
        #expect(ProjectEnvironment.parse(text) == expected)
    }

    // MARK: Refused

    /// A block of a project, and what is said of it behind the file's name.
    static let mistakes: [(block: String, problem: String)] = [
        (
            "config: { secrte: a }",
            ":5:15: sources[0].config.secrte: unknown key, probably 'secret' is meant; allowed: secret, secrets, secret_file, scheme, buffer_dir, "
                + "format, harness, platform, event_type_field, hook_type, max_buffer_size"
        ),
        (
            "config: { path: /x }",
            ":5:15: sources[0].config.path: unknown key; allowed: secret, secrets, secret_file, scheme, buffer_dir, format, "
                + "harness, platform, event_type_field, hook_type, max_buffer_size"
        ),
        (
            "config: { secret: '${NOT_SET}' }",
            ":5:23: sources[0].config.secret: the variable NOT_SET is not set; set it, or remove the key"
        ),
        (
            "emit: [a]",
            ":5:5: sources[0].emit: unknown key, probably 'emits' is meant; allowed: id, connector, config, poll, "
                + "description, labels, emits"
        ),
        (
            "poll: { interval: often }",
            ":5:23: sources[0].poll.interval: 'often' is not allowed; allowed: a duration: digits and ms, s, m, h or d, "
                + "like 30s, from 1ms to 36500d"
        ),
    ]

    @Test(arguments: mistakes)
    func `a block for the queue is read as strictly as in our own file`(block: String, problem: String) throws {
        let project = try Project()
        try project.write("kind: Project\nconnectors: [a.yaml]", to: "orgloop.yaml")
        try project.write(Self.group(block), to: "a.yaml")
        #expect(project.problems("orgloop.yaml") == ["\(project.path)/a.yaml\(problem)"])
    }

    @Test func `a project without a source for the queue is refused with the connectors that count`() throws {
        let project = try Project()
        try project.write(Self.root, to: "orgloop.yaml")
        try project.write(Self.github, to: "connectors/github.yaml")
        #expect(
            project.problems("orgloop.yaml") == [
                "\(project.path)/orgloop.yaml:1:1: has no source that the queue receives for; allowed connectors: "
                    + "\(connectors), or a path of orgloop-queue.mjs"
            ])
    }

    @Test func `one id in two files is refused with both places`() throws {
        let project = try Project()
        try project.write("kind: Project\nconnectors: [a.yaml, b.yaml]", to: "orgloop.yaml")
        for name in ["a.yaml", "b.yaml"] { try project.write(Self.group(""), to: name) }
        #expect(
            project.problems("orgloop.yaml") == [
                "\(project.path)/b.yaml:3:5: sources[0]: the source a is defined twice, before at \(project.path)/a.yaml:3:5"
                    + "; allowed: each id once in a project"
            ])
    }

    @Test func `a file that is listed twice, or is no YAML, is told at its place`() throws {
        let project = try Project()
        try project.write("kind: Project\nconnectors:\n  - a.yaml\n  - ./a.yaml\n  - b.yaml", to: "orgloop.yaml")
        try project.write(Self.group(""), to: "a.yaml")
        try project.write("sources: [", to: "b.yaml")
        #expect(
            project.problems("orgloop.yaml") == [
                "\(project.path)/orgloop.yaml:4:5: connectors[1]: is listed twice; allowed: each file once",
                "\(project.path)/b.yaml:2:1: did not find expected node content; allowed: YAML",
            ])
    }

    @Test func `our own connector must stand in for one that the queue has`() throws {
        let project = try Project()
        let block = "connector: ./orgloop-queue.mjs\n    config: { receives: '@orgloop/connector-github' }"
        try project.write("kind: ConnectorGroup\nsources:\n  - id: a\n    \(block)", to: "a.yaml")
        #expect(
            project.problems("a.yaml") == [
                "\(project.path)/a.yaml:5:25: sources[0].config.receives: '@orgloop/connector-github' is not allowed; "
                    + "allowed: \(connectors)"
            ])
    }

    @Test func `a source without a connector is a mistake of the project`() throws {
        let project = try Project()
        try project.write("kind: ConnectorGroup\nsources:\n  - id: a\n  - b", to: "a.yaml")
        let problems = project.problems("a.yaml")
        #expect(problems.count == 2)
        #expect(problems.allSatisfy { $0.contains("has no connector") })
    }

    @Test func `a file with a key that only the queue has is our own, and as strict as ever`() throws {
        let project = try Project()
        try project.write("kind: ConnectorGroup\nlisten: 127.0.0.1:1\nactors: []", to: "a.yaml")
        let problems = project.problems("a.yaml")
        #expect(problems.count == 1)
        #expect(problems.first?.contains("a.yaml:3:1: actors: unknown key") == true)
    }

    @Test func `an unsigned source of a project stays on this machine`() throws {
        let project = try Project()
        try project.write(Self.group(""), to: "a.yaml")
        #expect(try project.load("a.yaml").warnings.count == 1)
        let problems = project.problems("a.yaml", listen: "0.0.0.0:1")
        #expect(problems.count == 1)
        #expect(problems.first?.contains("a.yaml:3:5: source a has no secret") == true)
    }

    @Test func `a directory without orgloop.yaml is refused with the name of what is missing`() throws {
        let project = try Project()
        #expect(project.problems(".").map { $0.contains("/orgloop.yaml:1:1: the file cannot be read") } == [true])
    }

    // MARK: Helpers

    private static let root = """
        apiVersion: orgloop/v1alpha1
        kind: Project
        metadata: { name: my-org }
        defaults: { poll_interval: 5m, event_retention: 7d, log_level: info }
        connectors:
          - connectors/github.yaml
          - ./connectors/claude-code.yaml
          - connectors/later.yaml
        transforms: [transforms/transforms.yaml]
        loggers: [loggers/default.yaml]
        """
    private static let claudeCode = """
        # ORGLOOP.md: a seed-style block.

        apiVersion: orgloop/v1alpha1
        kind: ConnectorGroup

        sources:
          # Claude Code
          - id: claude-code
            connector: "@orgloop/connector-claude-code"
            config:
              secret: "${SECRET}"
              buffer_dir: "/tmp/orgloop-claude-code"
            poll:
              interval: "30s"
        """
    private static let github = """
        apiVersion: orgloop/v1alpha1
        kind: ConnectorGroup
        sources:
          - id: github
            connector: "@orgloop/connector-github"
            config: { repo: "${GITHUB_REPO}", token: "${GITHUB_TOKEN}", events: [issue_comment] }
            poll: { interval: 5m }
        actors:
          - { id: agent, connector: "@orgloop/connector-openclaw", config: { token: "${OPENCLAW_TOKEN}" } }
        """

    /// A group with one source `a`, and more lines in its block.
    private static func group(_ block: String) -> String {
        "kind: ConnectorGroup\nsources:\n  - id: a\n    connector: '@orgloop/connector-claude-code'\n    \(block)\n"
    }

    /// A project in a directory of its own.
    private struct Project {
        private let scratch: Scratch

        var path: String { scratch.path }

        init() throws {
            scratch = try Scratch()
            try FileManager.default.createDirectory(
                atPath: scratch.path + "/connectors", withIntermediateDirectories: true)
        }

        func write(_ text: String, to name: String) throws { try scratch.write(text, to: name) }

        func load(_ name: String, listen: String? = nil) throws(ConfigurationFailure) -> ServiceConfiguration {
            let path = name == "." ? scratch.path : scratch.path + "/" + name
            return try ConfigurationLoader(
                flags: .init(config: path, listen: listen),
                environment: ["HOME": "/home/x", "SECRET": "hush hush"]
            ).load()
        }

        func problems(_ name: String, listen: String? = nil) -> [String] {
            do throws(ConfigurationFailure) {
                _ = try load(name, listen: listen)
                return []
            } catch {
                return error.problems.map(\.description)
            }
        }
    }
}
