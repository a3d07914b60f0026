import EventQueue

/// OrgLoop's connector packages that the receiver stands in for.
enum Connector: String, Sendable, CaseIterable {
    case claudeCode = "@orgloop/connector-claude-code"
    case webhook = "@orgloop/connector-webhook"

    /// The connector of an OrgLoop source that stands in the place of one of these: our own, by its file.
    static let ownFile = "orgloop-queue.mjs"
    /// What the configuration of a source with ``ownFile`` has for that connector alone.
    static let ownKeys = ["receives", "url", "token", "token_file", "consumer", "limit"]

    /// How requests are verified when there is a secret and no scheme is named. Claude Code's own `http` hooks
    /// cannot sign: they carry the secret itself.
    var schemes: [Verifier.Scheme] {
        switch self {
        case .claudeCode: [.hub, .bearer]
        case .webhook: [.hub]
        }
    }

    /// Keys that OrgLoop's connectors or its templates know and that mean nothing for the queue.
    var ignoredKeys: [String] {
        switch self {
        // `orgloop init` writes hook_type, which no version reads; max_buffer_size bounds OrgLoop's own buffer.
        case .claudeCode: ["hook_type", "max_buffer_size"]
        // Templates have path, and no version reads it: the path is /webhook/ and the source's id.
        case .webhook: ["path", "max_buffer_size"]
        }
    }

    /// How the names of OrgLoop's buffers of such a source begin, older versions first.
    var bufferPrefixes: [String] {
        switch self {
        case .claudeCode: ["claude-code", "coding-agent"]
        case .webhook: ["webhook"]
        }
    }

    /// All of them, for a message.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Whether an OrgLoop source has our own connector: a path or URL of ``ownFile``.
    static func isOwn(_ name: String) -> Bool { name == ownFile || name.hasSuffix("/" + ownFile) }
}
