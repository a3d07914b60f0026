import EventQueue
import Testing

@testable import OrgLoopQueueCommand

/// What a source block becomes, for each of OrgLoop's connectors.
@Suite struct ConnectorKindTests {
    private static func agent(
        _ harness: String, _ format: Source.SessionFormat = .lifecycle, platform: String? = nil,
        _ required: Source.Agent.Fields = .sessionOnly
    ) -> Source.Kind {
        .session(Source.Agent(harness: harness, platform: platform, format: format, required: required))
    }

    private static let blocks: [(block: String, kind: Source.Kind)] = [
        ("id: a, connector: '@orgloop/connector-claude-code'", agent("claude-code", .sessionExited, .all)),
        (
            "id: a, connector: '@orgloop/connector-claude-code', config: { format: lifecycle }",
            agent("claude-code", .lifecycle, .all)
        ),
        ("id: a, connector: '@orgloop/connector-codex'", agent("codex")),
        ("id: a, connector: '@orgloop/connector-opencode'", agent("opencode")),
        ("id: a, connector: '@orgloop/connector-pi'", agent("pi")),
        ("id: a, connector: '@orgloop/connector-pi-rust'", agent("pi-rust")),
        ("id: a, connector: '@orgloop/connector-pi', config: { format: session.exited }", agent("pi", .sessionExited)),
        ("id: a, connector: '@orgloop/connector-coding-agent'", agent("claude-code")),
        ("id: codex, connector: '@orgloop/connector-coding-agent'", agent("codex")),
        (
            "id: codex, connector: '@orgloop/connector-coding-agent', config: { platform: pi }",
            agent("pi", platform: "pi")
        ),
        (
            "id: a, connector: '@orgloop/connector-coding-agent', config: { harness: pi-rust, platform: mine }",
            agent("pi-rust", platform: "mine")
        ),
        ("id: a, connector: '@orgloop/connector-github-webhook'", .github),
        ("id: a, connector: '@orgloop/connector-linear-webhook'", .linear),
        ("id: a, connector: orgloop-event", .orgLoopEvent),
        ("id: a, connector: cloudevents", .cloudEvents),
        ("id: a, connector: '@orgloop/connector-webhook'", .webhook(eventTypeField: ["type"])),
    ]

    @Test(arguments: blocks)
    func `a block becomes what OrgLoop's connector of that name makes of its requests`(
        block: String, kind: Source.Kind
    ) throws {
        let source = try #require(try ConfigurationTests.load(yaml: "sources: [{ \(block) }]").sources.first)
        #expect(source.kind == kind)
    }

    @Test(arguments: [
        ("claude-code", "hub or bearer"), ("coding-agent", "hub or bearer"), ("codex", "hub"), ("webhook", "hub"),
        ("github-webhook", "github"), ("linear-webhook", "linear"),
    ])
    func `with a secret and no scheme the sender's own scheme holds`(_ name: String, _ scheme: String) throws {
        let yaml = "sources: [{ id: a, connector: '@orgloop/connector-\(name)', config: { secret: s } }]"
        let source = try #require(try ConfigurationTests.load(yaml: yaml).sources.first)
        #expect(source.verification.scheme == scheme)
    }

    @Test func `a filter of OrgLoop's connector is accepted and told not to be applied`() throws {
        let yaml = """
            sources:
              - id: gh
                connector: "@orgloop/connector-github-webhook"
                config: { secret: s, events: [push], token: "${NOT_SET}", repo_owner: o, path: /x }
              - id: li
                connector: "@orgloop/connector-linear-webhook"
                config: { secret: s, team: ENG }
            """
        let notices = try ConfigurationTests.load(yaml: yaml).notices
        #expect(
            notices == [
                "source gh keeps every event, whatever `events` says: filter in OrgLoop's routes",
                "source li keeps every event, whatever `team` says: filter in OrgLoop's routes",
            ])
    }

    @Test(arguments: [
        ("config: { harness: emacs }", "'emacs' is not allowed; allowed: claude-code, codex, opencode, pi, pi-rust"),
        ("config: { event_type_field: type }", "belongs to another connector; allowed with @orgloop/connector-webhook"),
    ])
    func `a mistake is told at its place`(_ config: String, _ problem: String) {
        let yaml = "sources: [{ id: a, connector: '@orgloop/connector-coding-agent', \(config) }]"
        let problems = ConfigurationTests.problems(in: yaml)
        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix(problem) == true, "\(problems)")
    }
}
