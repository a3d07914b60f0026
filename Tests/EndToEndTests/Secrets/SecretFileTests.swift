import EventQueue
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// `secret_file`: secrets that stand neither in the configuration nor in the environment.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct SecretFileTests {
    /// What a file holds, and the secrets that it stands for.
    static let contents: [(content: String, secrets: [String])] = [
        ("hush", ["hush"]), ("hush\n", ["hush"]), ("hush\r\n", ["hush"]), ("new\nold\n", ["new", "old"]),
        ("\nnew\n\n\nold", ["new", "old"]), ("with a space\n", ["with a space"]), ("hush#\n", ["hush#"]),
        ("new\rold\r", ["new", "old"]),
        ("schlüssel\n", ["schlüssel"]),
        (String(repeating: "x", count: 16 << 10), [String(repeating: "x", count: 16 << 10)]),
    ]

    @Test(arguments: contents)
    func `each line is a secret, without what ends it, and the first is the new one`(
        _ content: String, _ secrets: [String]
    ) throws {
        let scratch = try Scratch()
        try Self.write(content, to: "s", in: scratch)
        let source = try #require(try Self.load("secret_file: s", in: scratch).sources.first)
        #expect(source.verification.keyIDs == secrets.compactMap { Secret($0)?.keyID })
        #expect(source.verification.scheme == "hub")
    }

    @Test(arguments: [
        "s", "./s", "../DIRECTORY/s", "PATH/s", "~/s", "${CREDENTIALS_DIRECTORY}/s", "link", "below/../s",
    ])
    func `it is found relative to the file that names it, from home, and where a variable says`(_ path: String) throws {
        let scratch = try Scratch()
        try Self.write("hush\n", to: "s", in: scratch)
        try FileManager.default.createDirectory(atPath: scratch.path + "/below", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: "s")
        let directory = scratch.path.split(separator: "/").last.map(String.init) ?? ""
        let text = path.replacing("PATH", with: scratch.path).replacing("DIRECTORY/", with: "\(directory)/")
        let named = path.hasPrefix("${") ? path : text
        let configuration = try Self.load("secret_file: '\(named)'", in: scratch)
        #expect(configuration.sources.first?.verification.keyIDs == Self.keyIDs("hush"))
        #expect(configuration.notices.isEmpty)
    }

    static let mistakes = [
        (
            "no",
            "'no' is not there; make the file, or mend the path; a relative one begins at the directory of this file"
        ),
        ("s/below", "'s/below' is not there; make the file"),
        ("directory", "'directory' is a directory; allowed: a file with the secret in it"),
        ("pipe", "'pipe' is no regular file; allowed: a file with the secret in it"),
        ("/dev/null", "'/dev/null' is no regular file"),
        ("empty", "'empty' is empty; write the secret into it"),
        ("lines", "'lines' is empty; write the secret into it"),
        ("large", "'large' is too large; allowed: at most 16384 bytes, one secret a line"),
        ("comment", "'comment' has a line that begins with #; allowed: secrets only, no comments"),
        ("many", "'many' has 9 lines; allowed: at most 8, one secret a line"),
        ("binary", "'binary' is no text; allowed: UTF-8, for example random bytes in hexadecimal digits"),
        ("nul", "'nul' is no text"),
        ("${UNSET}/s", "the variable UNSET is not set; set it, or remove the key"),
        ("", "is empty; allowed: the path of a file"),
    ]

    @Test(arguments: mistakes)
    func `a file that cannot be used is told with file, line and key, and nothing of what is in it`(
        _ name: String, _ problem: String
    ) throws {
        let scratch = try Scratch()
        try Self.makeMistakes(in: scratch)
        let failure = #expect(throws: ConfigurationFailure.self) {
            try Self.load("secret_file: '\(name)'", in: scratch)
        }
        let problems = try #require(failure).problems.map(\.description)
        #expect(problems.count == 1)
        let place = "\(scratch.path)/q.yaml:4:28: sources[0].config.secret_file: "
        #expect(problems.first?.hasPrefix(place + problem) == true, "\(problems)")
        #expect(!problems.joined().contains("hush"))
    }

    @Test(.enabled(if: User.isOrdinary || User.canBecomeOrdinary, "needs setpriv when root runs the tests"))
    func `a file that this user may not read stops the start and says so`() async throws {
        let scratch = try Scratch()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.path)
        try Self.write("hush\n", to: "s", mode: 0o000, in: scratch)
        try scratch.write(Self.yaml("secret_file: s"), to: "q.yaml")
        let run = try await User.run(["config", "check", "q.yaml"], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("q.yaml:4:28: sources[0].config.secret_file: 's' cannot be read: Permission denied"))
        #expect(run.error.contains("let the user of the service read it"))
    }

    @Test func `a variable that holds a secret by mistake is not told with what it holds`() throws {
        let scratch = try Scratch()
        let failure = #expect(throws: ConfigurationFailure.self) {
            try Self.load("secret_file: '${SECRET}'", in: scratch)
        }
        let text = try #require(failure).problems.map(\.description).joined()
        #expect(text.contains("'${SECRET}' is not there"))
        #expect(!text.contains("hush"))
    }

    @Test(arguments: [
        ("secret: a, secret_file: s", ["4:39: sources[0].config.secret_file: stands beside secret"]),
        ("secrets: [a], secret_file: s", ["4:42: sources[0].config.secret_file: stands beside secrets"]),
        ("scheme: none, secret_file: s", ["4:23: sources[0].config.scheme: is none although a secret is set"]),
        (
            "scheme: standard-webhooks, secret_file: s",
            ["4:23: sources[0].config.scheme: is standard-webhooks, and a secret is not one of it"]
        ),
    ])
    func `it stands alone, and its secrets are judged like any other`(_ config: String, _ problems: [String]) throws {
        let scratch = try Scratch()
        try Self.write("hush!\n", to: "s", in: scratch)
        let failure = #expect(throws: ConfigurationFailure.self) { try Self.load(config, in: scratch) }
        let found = try #require(failure).problems.map(\.description)
        #expect(found.count == problems.count)
        for (one, expected) in zip(found, problems) {
            #expect(one.hasPrefix("\(scratch.path)/q.yaml:\(expected)"), "\(one)")
        }
    }

    @Test(arguments: [
        (0o604, "hush", "is open to every user of this machine: chmod o= PATH"),
        (0o602, "hush", "is open to every user of this machine: chmod o= PATH"),
        (0o640, "hush", nil), (0o400, "hush", nil),
        (0o600, "hush ", "has a line with white space at its ends, which is taken as part of the secret"),
        (0o600, "\u{FEFF}hush", "has a line with white space at its ends, which is taken as part of the secret"),
    ])
    func `what is likely a slip is a notice`(_ mode: Int, _ content: String, _ notice: String?) throws {
        let scratch = try Scratch()
        try Self.write(content, to: "s", mode: mode, in: scratch)
        let notices = try Self.load("secret_file: s", in: scratch).notices
        let path = "\(scratch.path)/s"
        #expect(
            notices == notice.map { ["source a: the secret file \(path) \($0.replacing("PATH", with: path))"] } ?? [])
    }

    @Test func `config check shows the file, and the key ids of what is in it`() async throws {
        let scratch = try Scratch()
        try Self.write("hush\n", to: "s", in: scratch)
        try scratch.write(Self.yaml("secret_file: s"), to: "q.yaml")
        let text = try await Binary.run(["config", "check", scratch.path + "/q.yaml"], in: scratch)
        #expect(text.lines.contains("secret_file    \(scratch.path)/s, of a"), "\(text.output)")
        #expect(text.output.contains(Secret("hush")?.keyID ?? "-"))
        let json = try await Binary.run(["config", "check", scratch.path + "/q.yaml", "--json"], in: scratch)
        let file = try Answer(json.output)["sources"].list.first?["secret_file"].text
        #expect(file == scratch.path + "/s")
        #expect(!(text.output + json.output).contains("hush"))
    }

    @Test func `a block of an OrgLoop project may name one, relative to its own file`() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.path + "/c", withIntermediateDirectories: false)
        try scratch.write("kind: Project\nconnectors: [c/a.yaml]\n", to: "orgloop.yaml")
        try scratch.write("kind: ConnectorGroup\n" + Self.yaml("secret_file: s"), to: "c/a.yaml")
        try Self.write("hush\n", to: "c/s", in: scratch)
        let flags = ConfigurationLoader.Flags(config: scratch.path + "/orgloop.yaml")
        let loaded = try ConfigurationLoader(flags: flags, environment: ["HOME": scratch.path]).load()
        #expect(loaded.sources.first?.verification.keyIDs == Self.keyIDs("hush"))
    }

    // MARK: Helpers

    private static func keyIDs(_ texts: String...) -> [String] { texts.compactMap { Secret($0)?.keyID } }

    private static func yaml(_ config: String) -> String {
        "sources:\n  - id: a\n    connector: '@orgloop/connector-webhook'\n    config: { \(config) }\n"
    }

    private static func load(_ config: String, in scratch: Scratch) throws -> ServiceConfiguration {
        let file = try scratch.write(yaml(config), to: "q.yaml")
        let environment = [
            "HOME": scratch.path, "SECRET": "hush-hush", "CREDENTIALS_DIRECTORY": scratch.path,
        ]
        return try ConfigurationLoader(flags: .init(config: file), environment: environment).load()
    }

    private static func write(_ text: String, to name: String, mode: Int = 0o600, in scratch: Scratch) throws {
        let path = try scratch.write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private static func makeMistakes(in scratch: Scratch) throws {
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/directory", withIntermediateDirectories: false)
        #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)
        let texts = [
            "s": "hush", "empty": "", "lines": "\n\r\n\n", "large": String(repeating: "h", count: (16 << 10) + 1),
            "comment": "hush\n# rotated by ada\n", "many": String(repeating: "hush\n", count: 9), "nul": "hush\0",
        ]
        for (name, text) in texts { try write(text, to: name, in: scratch) }
        try Data([0x68, 0xFF, 0xFE]).write(to: URL(filePath: scratch.path + "/binary"))
    }
}
