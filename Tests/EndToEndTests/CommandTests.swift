import Foundation
import Testing

/// What the command line promises without a running service.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct CommandTests {
    static let verbs = [
        [], ["serve"], ["migrate"], ["config"], ["config", "check"], ["send"], ["poll"], ["status"],
        ["resume"], ["events"], ["show"], ["tail"], ["replay"], ["replay", "order"], ["replay", "list"],
        ["replay", "show"], ["prune"], ["consumer"], ["consumer", "list"], ["consumer", "drop"],
        ["verify"], ["backup"], ["export"], ["import"], ["doctor"],
        ["hook"], ["hook", "install"], ["hook", "uninstall"], ["hook", "status"],
        ["service"], ["service", "install"], ["service", "uninstall"], ["service", "status"],
        ["bench"], ["bench", "ingest"], ["bench", "latency"], ["bench", "drain"], ["bench", "scale"],
        ["bench", "compare"],
    ]

    @Test(arguments: verbs)
    func `help of every verb has an example and exits 0`(_ verb: [String]) async throws {
        let help = try await Binary.run(verb + ["--help"], in: Scratch())
        #expect(help.status == 0)
        #expect(help.error.isEmpty)
        let example = help.output.components(separatedBy: "EXAMPLE").dropFirst().first
        #expect(example?.contains("orgloop-queue " + verb.joined(separator: " ")) == true)
    }

    @Test(arguments: ["x", "é", "."])
    func `a path of one character is a path like any other`(_ path: String) async throws {
        for arguments in [["status", "--database", path], ["backup", path], ["export", "--output", path]] {
            let run = try await Binary.run(arguments, in: Scratch())
            #expect(run.status == 1, "\(arguments)")
            #expect(run.error.hasPrefix("orgloop-queue: "), "\(run.error.prefix(200))")
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
    func `output that cannot be written is told, and exits 1`() async throws {
        let run = try ChildProcess(
            "/bin/sh", ["-c", "exec \"$0\" config check >/dev/full", Binary.path()], in: Scratch())
        #expect(await run.waitForExit() == 1)
        #expect(run.standardError.contains("cannot write the output"))
    }

    @Test func `the version is printed on standard output`() async throws {
        let version = try await Binary.run(["--version"], in: Scratch())
        #expect(version.status == 0)
        #expect(version.lines.count == 1)
        #expect(version.output.first?.isNumber == true)
    }

    @Test(arguments: [
        ["nonsense"], ["serve", "--nonsense"], ["send"], ["send", "a b"], ["poll", "a", "--limit", "0"],
        ["poll", "a", "--limit", "many"], ["resume", "a"], ["resume", "a", "--reason", " "],
        ["send", "a", "--count", "2", "--idempotency-key", "k"], ["serve", "--log-level", "loud"],
        ["resume", "a", "--reason", "r", "--skip-through", "7"], ["events", "--limit", "0"],
        ["events", "--state", "lost"], ["events", "--last", "--after", "3"], ["events", "--since", "noon"],
        ["show"], ["show", "7"], ["tail", "-n", "-1"], ["replay", "show", "7"], ["replay", "list", "--limit", "0"],
        ["consumer", "drop", "a"], ["consumer", "drop", "a b", "--reason", "r"], ["poll", "a", "--json", "--follow"],
        ["import"], ["bench", "ingest", "--seconds", "1", "--requests", "1"],
        ["bench", "ingest", "--connections", "0"],
        ["bench", "ingest", "--secret-variable", "S"], ["bench", "ingest", "--seconds", "0"],
        ["bench", "drain", "--limit", "1001"], ["bench", "scale", "--events", "1"],
        ["bench", "compare", "--rounds", "0"],
        ["bench", "latency", "--requests", "many"], ["bench", "nonsense"],
    ])
    func `misuse exits 2 and says so on standard error`(_ arguments: [String]) async throws {
        let run = try await Binary.run(arguments, in: Scratch())
        #expect(run.status == 2)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("Error: "))
    }

    @Test func `config check shows what would run, and key ids instead of secrets`() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.signed, to: "q.yaml")
        let environment = ["SECRET": "hush-from-environment"]
        for flags in [[], ["--json"]] {
            let run = try await Binary.run(
                ["config", "check", "q.yaml"] + flags, in: scratch, environment: environment)
            #expect(run.status == 0)
            #expect(run.output.contains("claude-code"))
            #expect(run.output.contains("127.0.0.1:4811"))
            #expect(run.output.contains(Self.keyID(of: "hush-from-file")))
            #expect(!(run.output + run.error).contains("hush"))
        }
    }

    @Test func `config check tells every problem and exits 1`() async throws {
        let scratch = try Scratch()
        try scratch.write("listne: 1\nlimits: { wal: 1 }\nsources: [{ id: a }]", to: "q.yaml")
        let text = try await Binary.run(["config", "check", "q.yaml"], in: scratch)
        #expect(text.status == 1)
        #expect(text.output.isEmpty)
        #expect(text.error.split(separator: "\n").count == 3)
        #expect(text.error.hasPrefix("q.yaml:1:1: listne: unknown key"))
        let json = try await Binary.run(["config", "check", "q.yaml", "--json"], in: scratch)
        #expect(json.status == 1)
        let report = try JSONDecoder().decode(Report.self, from: Data(json.output.utf8))
        #expect(!report.ok)
        #expect(Set(report.problems.map(\.key)) == ["listne", "limits.wal", "sources[0]"])
        #expect(report.problems.allSatisfy { $0.file == "q.yaml" && $0.line >= 1 && $0.column >= 1 })
    }

    @Test func `a configuration file that is not there exits 1 and is named`() async throws {
        let run = try await Binary.run(
            ["serve"], in: Scratch(), environment: ["ORGLOOP_QUEUE_CONFIG": "no.yaml"])
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("no.yaml:1:1: the file cannot be read"))
    }

    @Test(arguments: [["status"], ["send", "claude-code"], ["poll", "claude-code"]])
    func `a verb without a running service exits 1 and says how to start one`(_ verb: [String]) async throws {
        // Nothing listens on port 1, and nobody but root could.
        let run = try await Binary.run(verb + ["--url", "http://127.0.0.1:1"], in: Scratch())
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("not running at http://127.0.0.1:1"))
        #expect(run.error.contains("orgloop-queue serve"))
    }

    // MARK: Helpers

    private struct Report: Decodable {
        struct Problem: Decodable {
            let file: String
            let line: Int
            let column: Int
            let key: String
        }

        let ok: Bool
        let problems: [Problem]
    }

    private static let signed = """
        listen: 127.0.0.1:4811
        sources:
          - id: claude-code
            connector: "@orgloop/connector-claude-code"
            config: { secrets: ["${SECRET}", "hush-from-file"] }
        """

    /// The first 8 digits of the secret's SHA-256, computed with another program.
    private static func keyID(of secret: String) -> String {
        ["hush-from-file": "6460d93a"][secret] ?? ""
    }
}
