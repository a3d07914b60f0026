import EventQueue

/// OrgLoop's connector packages that the receiver stands in for, and two of our own.
///
/// A further one is a case here and, if no kind fits it, a kind of `Source`.
enum Connector: String, Sendable, CaseIterable {
    case claudeCode = "@orgloop/connector-claude-code"
    case codingAgent = "@orgloop/connector-coding-agent"
    case codex = "@orgloop/connector-codex"
    case openCode = "@orgloop/connector-opencode"
    case pi = "@orgloop/connector-pi"
    case piRust = "@orgloop/connector-pi-rust"
    case webhook = "@orgloop/connector-webhook"
    case github = "@orgloop/connector-github-webhook"
    case linear = "@orgloop/connector-linear-webhook"
    case orgLoopEvent = "orgloop-event"
    case cloudEvents = "cloudevents"

    /// The connector of an OrgLoop source that stands in the place of one of these: our own, by its file.
    static let ownFile = "orgloop-queue.mjs"
    /// What the configuration of a source with ``ownFile`` has for that connector alone.
    static let ownKeys = ["receives", "url", "token", "token_file", "consumer", "limit"]
    /// What the configuration of every source may have.
    static let commonKeys = ["secret", "secrets", "secret_file", "scheme", "buffer_dir"]

    /// The harness of a coding agent's connector; `nil` for a connector of something else, and for the one that
    /// leaves it to its configuration.
    var harness: String? {
        switch self {
        case .claudeCode: "claude-code"
        case .codex: "codex"
        case .openCode: "opencode"
        case .pi: "pi"
        case .piRust: "pi-rust"
        case .codingAgent, .webhook, .github, .linear, .orgLoopEvent, .cloudEvents: nil
        }
    }

    /// The harnesses that OrgLoop knows.
    static let harnesses = allCases.compactMap(\.harness)

    /// What its configuration may have beside ``commonKeys``.
    var keys: [String] {
        switch self {
        case .claudeCode, .codingAgent, .codex, .openCode, .pi, .piRust: ["format", "harness", "platform"]
        case .webhook: ["event_type_field"]
        case .github, .linear, .orgLoopEvent, .cloudEvents: []
        }
    }

    /// How requests are verified when there is a secret and no scheme is named. Claude Code's own `http` hooks
    /// cannot sign: they carry the secret itself.
    var schemes: [Verifier.Scheme] {
        switch self {
        case .claudeCode, .codingAgent: [.hub, .bearer]
        case .codex, .openCode, .pi, .piRust, .webhook, .orgLoopEvent, .cloudEvents: [.hub]
        case .github: [.github]
        case .linear: [.linear]
        }
    }

    /// Keys that OrgLoop's connectors or its templates know and that mean nothing for the queue.
    var ignoredKeys: [String] {
        switch self {
        // `orgloop init` writes hook_type, which no version reads; max_buffer_size bounds OrgLoop's own buffer.
        case .claudeCode, .codingAgent, .codex, .openCode, .pi, .piRust: ["hook_type", "max_buffer_size"]
        // Templates have path, and no version reads it: the path is /webhook/ and the source's id.
        case .webhook: ["path", "max_buffer_size"]
        // The rest is for asking GitHub for more.
        case .github: ["path", "max_buffer_size", "events", "token", "repo_owner", "repo_name"]
        case .linear: ["path", "max_buffer_size", "events", "team"]
        case .orgLoopEvent, .cloudEvents: []
        }
    }

    /// Of ``ignoredKeys`` those with which OrgLoop's connector acknowledges events and drops them.
    static let filterKeys = ["events", "team"]

    /// How the names of OrgLoop's buffers of such a source begin, older versions first.
    var bufferPrefixes: [String] {
        switch self {
        case .codingAgent: ["coding-agent"]
        case .claudeCode, .codex, .openCode, .pi, .piRust: [harness, "coding-agent"].compactMap(\.self)
        case .webhook: ["webhook"]
        case .github: ["github-webhook"]
        case .linear: ["linear-webhook"]
        case .orgLoopEvent, .cloudEvents: []
        }
    }

    /// All of them, for a message.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Whether an OrgLoop source has our own connector: a path or URL of ``ownFile``.
    static func isOwn(_ name: String) -> Bool { name == ownFile || name.hasSuffix("/" + ownFile) }
}
