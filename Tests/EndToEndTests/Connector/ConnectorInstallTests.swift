import Foundation
import OrgLoopConnector
import Testing

/// `connector install`, on projects as people write them.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct ConnectorInstallTests {
    /// An OrgLoop project in a scratch directory.
    private struct Project {
        let scratch: Scratch
        var path: String { scratch.path + "/project" }

        init(_ files: [String: String]) throws {
            scratch = try Scratch()
            for (name, text) in files { try write(text, to: name) }
        }

        func write(_ text: String, to name: String) throws {
            let file = URL(filePath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: path + "/" + name)), as: UTF8.self)
        }

        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

        func install(_ flags: String...) async throws -> Binary.Result {
            try await Binary.run(["connector", "install", path] + flags, in: scratch)
        }
    }

    private static let root = """
        apiVersion: orgloop/v1alpha1
        kind: Project
        metadata: { name: mine }   # ours

        connectors:
          - connectors/claude-code.yaml
          # and the rest
          - ./connectors/hooks.yaml  # hooks
        loggers:
          - loggers/default.yaml
        defaults:
          poll_interval: 5m

        """

    private static let claudeCode = """
        # Claude Code
        sources:
          - id: claude-code
            description: "Sessions"   # as they end
            connector: "@orgloop/connector-claude-code"  # the hook
            config:
              # rotated in May
              secret: "${CLAUDE_CODE_WEBHOOK_SECRET}"
            emits:
              - actor.stopped

        """

    private static let hooks = """
        sources:
        - connector: '@orgloop/connector-webhook'
          id: deploys
          config: {path: "/x", secret: "${S}"}
          poll: {interval: 5s}
        - id: bare
          connector: "@orgloop/connector-webhook"
        - id: github
          connector: "@orgloop/connector-github"
        actors:
        - id: slack
          connector: "@orgloop/connector-webhook"
          config: {url: "http://slack.example"}

        """

    private static func existing() throws -> Project {
        try Project([
            "orgloop.yaml": root, "connectors/claude-code.yaml": claudeCode, "connectors/hooks.yaml": hooks,
            "loggers/default.yaml": "loggers: [{ name: file, type: \"@orgloop/logger-file\" }]\n",
        ])
    }

    @Test func `an edit changes sources that the queue can receive, and nothing else`() async throws {
        let project = try Self.existing()
        let run = try await project.install("--edit")
        #expect(run.status == 0, "\(run.error)")
        #expect(
            try project.text("connectors/claude-code.yaml") == """
                # Claude Code
                sources:
                  - id: claude-code
                    description: "Sessions"   # as they end
                    connector: ./orgloop-queue.mjs  # the hook
                    poll: { interval: 1s }
                    config:
                      receives: "@orgloop/connector-claude-code"
                      url: "http://127.0.0.1:4810"
                      # rotated in May
                      secret: "${CLAUDE_CODE_WEBHOOK_SECRET}"
                    emits:
                      - actor.stopped

                """)
        #expect(
            try project.text("connectors/hooks.yaml") == """
                sources:
                - connector: ./orgloop-queue.mjs
                  id: deploys
                  config: { receives: "@orgloop/connector-webhook", url: "http://127.0.0.1:4810", path: "/x", secret: "${S}"}
                  poll: {interval: 5s}
                - id: bare
                  connector: ./orgloop-queue.mjs
                  poll: { interval: 1s }
                  config:
                    receives: "@orgloop/connector-webhook"
                    url: "http://127.0.0.1:4810"
                - id: github
                  connector: "@orgloop/connector-github"
                actors:
                - id: slack
                  connector: "@orgloop/connector-webhook"
                  config: {url: "http://slack.example"}

                """)
        let listed = "  - loggers/default.yaml\n  - loggers/orgloop-queue.yaml\n"
        #expect(
            try project.text("orgloop.yaml")
                == Self.root.replacing("  - loggers/default.yaml\n", with: listed))
        #expect(try project.text("loggers/orgloop-queue.yaml").contains("type: ./orgloop-queue.mjs"))
        #expect(try Array(project.text("orgloop-queue.mjs").utf8) == ConnectorModule.content)
        #expect(run.output.contains("-    connector: \"@orgloop/connector-claude-code\"  # the hook\n"))
        #expect(run.output.contains("+    connector: ./orgloop-queue.mjs  # the hook\n"))
        #expect(run.output.contains("senders of deploys post to http://127.0.0.1:4810/webhook/deploys"))
    }

    @Test(arguments: [("30s", true), ("5s", false), ("500ms", false)])
    func `a source that is asked seldom gets a word about it`(interval: String, isSlow: Bool) async throws {
        let hooks = Self.hooks.replacing("interval: 5s", with: "interval: \(interval)")
        let project = try Project(["orgloop.yaml": "kind: Project\nconnectors: [hooks.yaml]\n", "hooks.yaml": hooks])
        let run = try await project.install("--edit")
        #expect(run.output.contains("deploys is polled every \(interval)") == isSlow)
        #expect(!run.output.contains("bare is polled"))
    }

    @Test func `a source in the project's own file is left to a person, and nothing is changed`() async throws {
        let root = "kind: Project\nsources:\n  - {id: claude-code, connector: '@orgloop/connector-claude-code'}\n"
        let project = try Project(["orgloop.yaml": root])
        let run = try await project.install("--edit")
        #expect(run.status == 1)
        #expect(run.output.contains("move it to a file under connectors"))
        #expect(try project.text("orgloop.yaml") == root)
        #expect(!project.has("connectors/orgloop-queue.yaml"))
    }

    @Test func `when a file cannot be written those before it are put back, and nothing is called changed`()
        async throws
    {
        // Where the directory of loggers should be there is a file, so that not even root can write below it.
        let root = "kind: Project\nconnectors:\n  - connectors/claude-code.yaml\n"
        let project = try Project([
            "orgloop.yaml": root, "connectors/claude-code.yaml": Self.claudeCode, "loggers": "",
        ])
        let run = try await project.install("--edit")
        #expect(run.status == 1)
        #expect(run.output.contains("+    connector: ./orgloop-queue.mjs"))
        #expect(!run.output.contains("changed "))
        #expect(run.error.contains("loggers"))
        #expect(try project.text("connectors/claude-code.yaml") == Self.claudeCode)
        #expect(try project.text("orgloop.yaml") == root)
    }

    @Test func `installing again changes nothing`() async throws {
        let project = try Self.existing()
        _ = try await project.install("--edit")
        let files = ["orgloop.yaml", "connectors/claude-code.yaml", "connectors/hooks.yaml"]
        let before = try files.map(project.text)
        let run = try await project.install("--edit")
        #expect(run.status == 0)
        #expect(run.output.contains("is up to date (version"))
        #expect(run.output.contains("nothing to change"))
        #expect(try files.map(project.text) == before)
    }

    @Test func `without --edit the YAML is printed and left alone`() async throws {
        let project = try Self.existing()
        let run = try await project.install()
        #expect(run.status == 0)
        #expect(run.output.contains("# connectors/claude-code.yaml, source claude-code: change or add these keys"))
        #expect(run.output.contains("receives: \"@orgloop/connector-claude-code\""))
        #expect(run.output.contains("or have it done: orgloop-queue connector install "))
        #expect(try project.text("orgloop.yaml") == Self.root)
        #expect(try project.text("connectors/claude-code.yaml") == Self.claudeCode)
        #expect(project.has("orgloop-queue.mjs"))
        #expect(!project.has("loggers/orgloop-queue.yaml"))
    }

    @Test func `a dry run shows the difference and writes nothing`() async throws {
        let project = try Self.existing()
        let run = try await project.install("--dry-run", "--json")
        #expect(run.status == 0)
        let answer = try Answer(run.output)
        #expect(answer["module"]["action"].text == "write")
        #expect(answer["changes"].list.count == 4)
        #expect(answer["changes"].list.allSatisfy { $0["diff"].text.contains("\n@@ -") })
        #expect(answer["moved_sources"].list.count == 3)
        #expect(!project.has("orgloop-queue.mjs"))
        #expect(try project.text("orgloop.yaml") == Self.root)
    }

    @Test func `a named source is changed alone`() async throws {
        let project = try Self.existing()
        let run = try await project.install("--edit", "--source", "bare", "--url", "http://queue:1")
        #expect(run.status == 0)
        #expect(try project.text("connectors/claude-code.yaml") == Self.claudeCode)
        let hooks = try project.text("connectors/hooks.yaml")
        #expect(hooks.contains("url: \"http://queue:1\""))
        #expect(hooks.contains("connector: '@orgloop/connector-webhook'"))
    }

    @Test(arguments: [
        ("none", "has a source none"), ("github", "cannot receive what source github reads"),
    ])
    func `a source that cannot be changed is refused by name`(_ source: String, _ message: String) async throws {
        let project = try Self.existing()
        let run = try await project.install("--edit", "--source", source)
        #expect(run.status == 1)
        #expect(run.error.contains(message))
        #expect(try project.text("orgloop.yaml") == Self.root)
    }

    @Test(arguments: [
        "kind: Project\n", "kind: Project\nconnectors: []\nloggers: []\n", "kind: Project\nconnectors:\nloggers:",
        "kind: Project\nloggers: [loggers/a.yaml]\n# the end\n", "kind: Project\r\nloggers:\r\n- a.yaml",
    ])
    func `a project without sources gets one, and both lists`(_ root: String) async throws {
        let project = try Project(["orgloop.yaml": root])
        let run = try await project.install("--edit")
        #expect(run.status == 0, "\(run.error)\(run.output)")
        let text = try project.text("orgloop.yaml")
        #expect(text.contains("connectors/orgloop-queue.yaml"))
        #expect(text.contains("loggers/orgloop-queue.yaml"))
        #expect(try project.text("connectors/orgloop-queue.yaml").contains("id: claude-code"))
        let lines = text.unicodeScalars.split(separator: "\n")
        #expect(Set(lines.map { $0.last == "\r" }).count == 1, "line ends are mixed: \(text.debugDescription)")
        #expect(try await project.install().output.contains("nothing to change"))
    }

    @Test func `a file keeps its mode, its line ends and the link to it`() async throws {
        let project = try Self.existing()
        let real = "elsewhere.yaml"
        try project.write(Self.claudeCode.replacing("\n", with: "\r\n"), to: real)
        let link = project.path + "/connectors/claude-code.yaml"
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "../" + real)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o640], ofItemAtPath: project.path + "/" + real)
        let run = try await project.install("--edit")
        #expect(run.status == 0, "\(run.error)\(run.output)")
        let text = try project.text(real)
        #expect(text.contains("receives: \"@orgloop/connector-claude-code\"\r\n"))
        #expect(text.unicodeScalars.count { $0 == "\n" } == text.unicodeScalars.count { $0 == "\r" })
        #expect(try Scratch.mode(of: project.path + "/" + real) == 0o640)
        #expect(try Scratch.mode(of: project.path + "/orgloop-queue.mjs") == 0o644)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "../" + real)
        #expect(!run.output.contains("\\u{d}"))
    }

    @Test(arguments: [
        ("sources:\n- { id: a, connector: \"@orgloop/connector-webhook\" }\n", "written in braces"),
        ("sources:\n- id: a\n  connector: \"@orgloop/connector-webhook\"\n  config: &c\n    secret: x\n", "names"),
        ("x: &c {secret: y}\nsources:\n- id: a\n  connector: \"@orgloop/connector-webhook\"\n  config: *c\n", "names"),
        ("sources:\n- id: a\n  connector: \"@orgloop/connector-webhook\"\n  config:\n    url: x\n", "the key url"),
        ("sources:\n- id: a\n  connector:\n    \"@orgloop/connector-webhook\"\n", "another line"),
        ("sources:\n- id: a\n  connector: \"@orgloop/\\x63onnector-webhook\"\n", "unusual"),
        ("sources:\n- id: a\n  connector: \"@orgloop/connector-webhook\"\n  config: !!map\n    secret: x\n", "unusual"),
    ])
    func `what is written in an unusual way is left to a person`(_ text: String, _ reason: String) async throws {
        let root = "kind: Project\nconnectors:\n  - c.yaml\n"
        let project = try Project(["orgloop.yaml": root, "c.yaml": text])
        let run = try await project.install("--edit")
        #expect(run.status == 1)
        #expect(run.output.contains("(by hand:") && run.output.contains(reason), "\(run.output)")
        #expect(run.output.contains("connector: ./orgloop-queue.mjs"))
        #expect(run.error.contains("has to be changed by hand"))
        #expect(try project.text("orgloop.yaml") == root)
        #expect(try project.text("c.yaml") == text)
        #expect(!project.has("loggers/orgloop-queue.yaml"))
    }

    @Test func `what is no project, or no YAML, is refused`() async throws {
        let project = try Project(["orgloop.yaml": "kind: [Project\n"])
        let broken = try await project.install("--edit")
        #expect(broken.status == 1)
        #expect(broken.error.contains("orgloop.yaml is not valid YAML"))
        let none = try await Binary.run(["connector", "install", project.scratch.path], in: project.scratch)
        #expect(none.status == 1)
        #expect(none.error.contains("there is no OrgLoop project in"))
        #expect(none.error.contains("orgloop init"))
        let misuse = try await project.install("--url", "here")
        #expect(misuse.status == 2)
    }

    @Test(arguments: [
        ("console.log('mine')\n", "is not the connector"),
        ("// orgloop-queue connector, version 99\n", "is a newer version"),
        (String(decoding: ConnectorModule.content, as: UTF8.self) + "// mine\n", "was changed by hand"),
    ])
    func `a file that is not an older version of the module is kept unless forced`(
        _ text: String, _ message: String
    ) async throws {
        let project = try Self.existing()
        try project.write(text, to: "orgloop-queue.mjs")
        let run = try await project.install("--edit")
        #expect(run.status == 1)
        #expect(run.error.contains(message) && run.error.contains("--force"))
        #expect(try project.text("orgloop-queue.mjs") == text)
        #expect(try project.text("orgloop.yaml") == Self.root)
        let forced = try await project.install("--force")
        #expect(forced.status == 0)
        #expect(try Array(project.text("orgloop-queue.mjs").utf8) == ConnectorModule.content)
    }

    @Test func `an older version of the module is replaced`() async throws {
        let project = try Self.existing()
        try project.write("// orgloop-queue connector, version 0\nexport default 1\n", to: "orgloop-queue.mjs")
        let run = try await project.install()
        #expect(run.status == 0)
        #expect(run.output.contains("replaced "))
        #expect(try Array(project.text("orgloop-queue.mjs").utf8) == ConnectorModule.content)
    }
}
