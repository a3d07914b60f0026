import EventQueue
import Foundation
import Testing

@testable import OrgLoopQueueCommand

@Suite struct ConfigurationTests {
    // MARK: Problems

    /// A file and everything that is said about it.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let yaml: String
        let problems: [String]

        init(_ yaml: String, _ problems: String...) {
            self.yaml = yaml
            self.problems = problems
        }

        var testDescription: String { yaml }
    }

    static let mistakes = [
        Mistake(
            "listne: 127.0.0.1:4810",
            "q.yaml:1:1: listne: unknown key, probably 'listen' is meant; allowed: listen, hosts, database, "
                + "token_file, sources, consumers, retention, limits, apiVersion, kind"),
        Mistake(
            "listen: 4810",
            "q.yaml:1:9: listen: '4810' is not allowed; allowed: HOST:PORT, port 0 to 65535, an IPv6 address in "
                + "brackets, like [::1]:4810"),
        Mistake(
            "limits:\n  body_bytes_max: 1MB",
            "q.yaml:2:19: limits.body_bytes_max: '1MB' is not allowed; allowed: a number of bytes, or of KiB, MiB "
                + "or GiB, like 64KiB, 1 to 268435456"),
        Mistake(
            "limits:\n  head_timeout: 5",
            "q.yaml:2:17: limits.head_timeout: '5' is not allowed; allowed: a duration: digits and ms, s, m, h or "
                + "d, like 30s, from 1ms to 10m"),
        Mistake(
            "limits: { connections_max: 0 }",
            "q.yaml:1:28: limits.connections_max: '0' is not allowed; allowed: an integer, 1 to 65535"),
        Mistake(
            "limits: { in_flight_bytes_max: 10 }",
            "q.yaml:1:32: limits.in_flight_bytes_max: in_flight_bytes_max is smaller than body_bytes_max; allowed: "
                + "at least 1048576, so that one body fits"),
        Mistake("limits: []", "q.yaml:1:9: limits: is a list; " + allowedLimits),
        Mistake("database:", "q.yaml:1:10: database: is empty; allowed: a path"),
        Mistake(
            "consumers:\n  - id: orgloop\n    on_regressed: resend",
            "q.yaml:3:19: consumers[0].on_regressed: 'resend' is not allowed; allowed: resume, refuse"),
        Mistake(
            "consumers:\n  - id: a\n  - id: a",
            "q.yaml:3:9: consumers[1].id: the consumer a is defined twice; allowed: each id once"),
        Mistake(
            "retention: { keep: forever }",
            "q.yaml:1:20: retention.keep: 'forever' is not allowed; allowed: a duration: digits and ms, s, m, h or "
                + "d, like 30s, from 1s to 36500d"),
        Mistake("sources: []", "q.yaml:1:10: sources: names no source; name one, or remove the key"),
        Mistake(
            "database: ${NOT_SET}/queue.db",
            "q.yaml:1:11: database: the variable NOT_SET is not set; set it, or remove the key"),
        Mistake(
            "database: ${NOT SET}",
            "q.yaml:1:11: database: '${' without a name and '}'; allowed: ${NAME}"),
        Mistake(
            "database: a\ndatabase: b",
            "q.yaml:1:1: database: the key occurs twice; allowed: each key once in a mapping"),
        Mistake("sources: [", "q.yaml:2:1: did not find expected node content; allowed: YAML"),
    ]

    private static let allowedLimits =
        "allowed: the keys body_bytes_max, header_bytes_max, in_flight_bytes_max, quarantine_bytes_max, "
        + "queue_bytes_max, free_bytes_min, wal_bytes_warning, header_fields_max, connections_max, "
        + "quarantine_rows_max, queue_events_max, head_timeout, body_timeout, settle_after_max"

    @Test(arguments: mistakes)
    func `a mistake is told with file, line, column, key and what is allowed`(_ mistake: Mistake) {
        #expect(Self.problems(in: mistake.yaml) == mistake.problems)
    }

    static let sourceMistakes = [
        Mistake(
            "connector: '@orgloop/connector-github'",
            "q.yaml:3:16: sources[0].connector: '@orgloop/connector-github' is not allowed; allowed: "
                + connectors),
        Mistake(
            "config: { secret: '' }", "q.yaml:3:23: sources[0].config.secret: is empty; " + allowedSecret),
        Mistake(
            "config: { secret: '${EMPTY}' }",
            "q.yaml:3:23: sources[0].config.secret: is empty; " + allowedSecret),
        Mistake(
            "config: { secrets: [a, ''] }",
            "q.yaml:3:28: sources[0].config.secrets[1]: is empty; " + allowedSecret),
        Mistake(
            "config: { secrte: hush }",
            "q.yaml:3:15: sources[0].config.secrte: unknown key, probably 'secret' is meant; allowed: secret, "
                + "secrets, secret_file, scheme, buffer_dir, format, harness, platform, event_type_field"),
        Mistake(
            "config: { scheme: strpe, secret: a }",
            "q.yaml:3:23: sources[0].config.scheme: is not a scheme; allowed: hub, standard-webhooks, github, "
                + "linear, stripe, slack, bearer, none"
        ),
        Mistake(
            "config: { scheme: standard-webhooks, secret: whsec_% }",
            "q.yaml:3:23: sources[0].config.scheme: is standard-webhooks, and a secret is not one of it; allowed: "
                + "whsec_ and a key in base64"),
        Mistake(
            "config: { scheme: hub }",
            "q.yaml:3:23: sources[0].config.scheme: is hub, and no secret is set; set secret, secrets or "
                + "secret_file"),
        Mistake(
            "config: { scheme: none, secret: a }",
            "q.yaml:3:23: sources[0].config.scheme: is none although a secret is set; remove one of the two"),
        Mistake(
            "config: { secret: a, secrets: [b] }",
            "q.yaml:3:35: sources[0].config.secrets: stands beside secret; allowed: one of secret, secrets, "
                + "secret_file"),
        Mistake(
            "config: { format: seed }",
            "q.yaml:3:23: sources[0].config.format: 'seed' is not allowed; allowed: session.exited, lifecycle"
        ),
        Mistake(
            "config: { event_type_field: type }",
            "q.yaml:3:33: sources[0].config.event_type_field: belongs to another connector; allowed with "
                + "@orgloop/connector-webhook"),
        Mistake(
            "poll: { interval: often }",
            "q.yaml:3:23: sources[0].poll.interval: 'often' is not allowed; allowed: a duration: digits and ms, s, "
                + "m, h or d, like 30s, from 1ms to 36500d"),
    ]

    private static let allowedSecret = "allowed: a text of at least one character"

    @Test(arguments: sourceMistakes)
    func `a mistake in a source is told at its place`(_ mistake: Mistake) {
        let connector =
            mistake.yaml.hasPrefix("connector") ? "" : "\n    connector: '@orgloop/connector-claude-code'"
        let yaml = "sources:\n  - id: a\n    \(mistake.yaml)\(connector)"
        #expect(Self.problems(in: yaml) == mistake.problems)
    }

    @Test func `all problems of a file are told at once, in their order`() {
        let yaml = "listen: x\nlimits: { wal_bytes: 1 }\nsources: [{ id: 'a b' }]\nfoo: 1"
        let places = Self.problems(in: yaml).map {
            $0.components(separatedBy: ": ").prefix(2).joined(separator: " ")
        }
        #expect(
            places == [
                "q.yaml:1:9 listen", "q.yaml:2:11 limits.wal_bytes", "q.yaml:3:11 sources[0]",
                "q.yaml:3:17 sources[0].id", "q.yaml:4:1 foo",
            ])
    }

    @Test func `the same source id twice is refused`() {
        let block = "\n  - { id: a, connector: '@orgloop/connector-webhook' }"
        let problems = Self.problems(in: "sources:\(block)\(block)")
        #expect(
            problems == ["q.yaml:3:11: sources[1].id: the source a is defined twice; allowed: each id once"])
    }

    @Test func `a problem never quotes what a variable holds`() {
        let problems = Self.problems(in: "listen: ${SECRET}\nconsumers: [{ id: '${SECRET}' }]")
        #expect(problems.count == 2)
        #expect(!problems.joined().contains("hush hush"))
    }

    // MARK: Values

    @Test func `the source block of OrgLoop's own configuration is accepted as it is`() throws {
        let yaml = """
            apiVersion: orgloop/v1alpha1
            kind: ConnectorGroup
            sources:
              - id: claude-code
                connector: "@orgloop/connector-claude-code"
                config:
                  secret: "${SECRET}"
                  buffer_dir: "/tmp/orgloop-claude-code"
                poll:
                  interval: "30s"
            """
        let configuration = try Self.load(yaml: yaml)
        let source = try #require(configuration.sources.first)
        #expect(source.id.rawValue == "claude-code")
        #expect(source.kind == .claudeCode(.sessionExited))
        #expect(source.verification.scheme == "hub or bearer")
        #expect(source.verification.keyIDs.count == 1)
        #expect(source.bufferDirectory == "/tmp/orgloop-claude-code")
        #expect(configuration.notices.isEmpty)
    }

    @Test func `every value of a file arrives`() throws {
        let yaml = """
            listen: "[::1]:0"
            hosts: [a.example]
            database: queue.db
            token_file: ~/token
            sources:
              - { id: w, connector: "@orgloop/connector-webhook", config: { scheme: none, event_type_field: data.type } }
            consumers: [{ id: c, on_regressed: refuse }]
            retention: { keep: 30d }
            limits: { body_bytes_max: 2MiB, head_timeout: 250ms, queue_events_max: 7, settle_after_max: 1h }
            """
        let configuration = try Self.load(yaml: yaml)
        #expect(configuration.listen == ListenAddress("[::1]:0"))
        #expect(configuration.hosts == ["a.example"])
        #expect(configuration.tokenFile == "/home/x/token")
        #expect(configuration.sources.map(\.kind) == [.webhook(eventTypeField: ["data", "type"])])
        #expect(configuration.consumers.map(\.onRegressed) == [.refuse])
        #expect(configuration.retention.keep == .seconds(30 * 86_400))
        var limits = Limits.Settings()
        limits.bodyBytesMax = 2 << 20
        limits.headTimeout = .milliseconds(250)
        limits.queueEventsMax = 7
        limits.settleAfterMax = .seconds(3600)
        #expect(configuration.limits == limits)
    }

    @Test func `without a file the source claude-code is served beside this user's state`() throws {
        let configuration = try ConfigurationLoader(flags: .init(), environment: ["HOME": "/home/x"]).load()
        #expect(configuration.listen.description == "127.0.0.1:4810")
        #expect(configuration.database == "/home/x/.local/state/orgloop-queue/queue.db")
        #expect(configuration.tokenFile == "/home/x/.local/state/orgloop-queue/token")
        #expect(configuration.sources.map(\.id.rawValue) == ["claude-code"])
        #expect(configuration.limits == Limits.Settings())
        #expect(
            configuration.notices == ["source claude-code accepts unsigned requests: no secret is configured"]
        )
    }

    @Test func `a secret in the environment that is empty stops the start`() {
        let environment = ["HOME": "/home/x", "CLAUDE_CODE_WEBHOOK_SECRET": ""]
        #expect(
            Self.failure(of: ConfigurationLoader(flags: .init(), environment: environment)) == [
                "CLAUDE_CODE_WEBHOOK_SECRET: is set but empty; give it the secret that the sender signs with, or "
                    + "unset it"
            ])
    }

    @Test func `a flag wins over the environment, that over the file, that over the default`() throws {
        let scratch = try Scratch()
        let file = try scratch.write("database: file.db\nlisten: 127.0.0.1:1", to: "q.yaml")
        var environment = ["HOME": "/home/x", "XDG_STATE_HOME": "/state"]
        var flags = ConfigurationLoader.Flags()
        func load() throws -> ServiceConfiguration {
            try ConfigurationLoader(flags: flags, environment: environment).load()
        }
        #expect(try load().database == "/state/orgloop-queue/queue.db")
        environment["ORGLOOP_QUEUE_CONFIG"] = file
        #expect(try load().database == scratch.path + "/file.db")
        #expect(try load().listen.port == 1)
        environment["ORGLOOP_QUEUE_DATABASE"] = "/environment.db"
        #expect(try load().database == "/environment.db")
        flags.database = "/flag.db"
        flags.listen = "127.0.0.1:2"
        #expect(try load().database == "/flag.db")
        #expect(try load().listen.port == 2)
    }

    @Test func `unsigned requests from other machines must be wanted outright`() throws {
        let yaml =
            "listen: 0.0.0.0:4810\nsources:\n  - { id: a, connector: '@orgloop/connector-webhook'CONFIG }"
        let failure = #expect(throws: ConfigurationFailure.self) {
            try Self.load(yaml: yaml.replacing("CONFIG", with: ""))
        }
        let problems = try #require(failure).problems.map(\.description)
        #expect(problems.count == 1)
        #expect(
            problems.first?.contains(":3:5: source a has no secret, and 0.0.0.0:4810 is reachable") == true)
        let outright = try Self.load(yaml: yaml.replacing("CONFIG", with: ", config: { scheme: none }"))
        #expect(outright.sources.count == 1)
    }

    @Test(arguments: [
        ("127.0.0.1:0", true), ("127.8.9.1:80", true), ("localhost:80", true), ("[::1]:80", true),
        ("0.0.0.0:80", false), ("[::]:80", false), ("192.168.0.1:80", false),
        ("127.0.0.1.example.org:80", false),
    ])
    func `only loopback addresses count as loopback`(_ text: String, _ isLoopback: Bool) throws {
        #expect(try #require(ListenAddress(text)).isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", "4810", ":4810", "a:", "a:x", "a:65536", "a:-1", "::1:80", "[a]:80", "a b:80", "http://a:80",
    ])
    func `what is not HOST colon PORT is no listen address`(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test(arguments: ["", "5", "s", "-1s", "1 s", "1.5s", "1w", "9223372036854775807d", "٣s"])
    func `what is not digits and a unit is no duration`(_ text: String) {
        #expect(Quantities.duration(text) == nil)
    }

    @Test func `the example configuration is valid and says what the defaults are`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let example = root.appending(path: "config/orgloop-queue.yaml").path
        let environment = ["HOME": "/home/x"]
        let loaded = try ConfigurationLoader(flags: .init(config: example), environment: environment).load()
        let standard = try ConfigurationLoader(flags: .init(), environment: environment).load()
        #expect(loaded.limits == standard.limits)
        #expect(loaded.listen == standard.listen)
        #expect(loaded.database == standard.database)
        #expect(loaded.sources.map(\.id) == standard.sources.map(\.id))
    }

    // MARK: Helpers

    private static let environment = ["HOME": "/home/x", "SECRET": "hush hush", "EMPTY": ""]

    static func problems(in yaml: String) -> [String] {
        FileConfiguration.parse(yaml, file: "q.yaml", environment: environment).problems.map(\.description)
    }

    static func load(yaml: String) throws -> ServiceConfiguration {
        let scratch = try Scratch()
        let file = try scratch.write(yaml, to: "q.yaml")
        // The file must live until it was read.
        return try withExtendedLifetime(scratch) {
            try ConfigurationLoader(flags: .init(config: file), environment: environment).load()
        }
    }

    private static func failure(of loader: ConfigurationLoader) -> [String] {
        do throws(ConfigurationFailure) {
            _ = try loader.load()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}

/// Every connector, in the order in which a message names them.
let connectors =
    "@orgloop/connector-claude-code, @orgloop/connector-coding-agent, @orgloop/connector-codex, "
    + "@orgloop/connector-opencode, @orgloop/connector-pi, @orgloop/connector-pi-rust, @orgloop/connector-webhook, "
    + "@orgloop/connector-github-webhook, @orgloop/connector-linear-webhook, orgloop-event, cloudevents"
