import EventQueue

/// What the service runs with: every value checked, every default filled in.
struct ServiceConfiguration: Sendable {
    /// The file it was read from; `nil` when there is none.
    var file: String?
    /// The other files that this one led to, in an OrgLoop project.
    var files: [String] = []
    /// What was left out of an OrgLoop project, and why.
    var fileNotices: [String] = []
    var listen: ListenAddress
    /// Names by which browsers and proxies may address the service besides its own and loopback ones.
    var hosts: [String]
    /// Path of the database file.
    var database: String
    /// Path of the file that holds the token of the consumer API.
    var tokenFile: String
    var sources: [SourceConfiguration]
    var consumers: [ConsumerConfiguration]
    /// How long events are kept that nobody needs any more.
    var retention: Retention
    var limits: Limits.Settings

    /// What an operator should know although the service starts.
    var notices: [String] { fileNotices + warnings }

    /// Those of the notices that an operator may want to do something about.
    var warnings: [String] {
        sources.flatMap { source in
            let filters = source.unapplied.map { key in
                "source \(source.id) keeps every event, whatever `\(key)` says: filter in OrgLoop's routes"
            }
            let file = source.secretFile?.warnings.map { "source \(source.id): the secret file \($0)" } ?? []
            guard case .none = source.verification else { return file + filters }
            return ["source \(source.id) accepts unsigned requests: no secret is configured"] + filters
        }
    }
}

/// A sender as it is configured.
struct SourceConfiguration: Sendable {
    let id: Source.ID
    let connector: Connector
    let kind: Source.Kind
    let verification: Verification
    /// Where OrgLoop kept its own buffer, which is imported once.
    var bufferDirectory: String?
    /// Where its secrets stand, when they do not stand in the configuration.
    var secretFile: SecretFile?
    /// Filters of OrgLoop's connector that are not applied here.
    var unapplied: [String] = []
    /// Where the file says so; `nil` for the source that exists without a file.
    let origin: ConfigurationProblem.Origin?

    /// The domain's value.
    var source: Source { Source(id: id, kind: kind, verifier: verification.verifier) }

    /// What its requests become, as the configuration spells it.
    var format: String {
        switch kind {
        case .session(let agent):
            agent.platform == connector.harness
                ? agent.format.rawValue : "\(agent.format.rawValue) of \(agent.platform)"
        case .github: "GitHub's payload"
        case .linear: "Linear's payload"
        case .orgLoopEvent: "finished OrgLoop events"
        case .cloudEvents: "CloudEvents"
        case .webhook(let path): "json, event type in " + path.joined(separator: ".")
        }
    }
}

/// How a source's requests are verified.
enum Verification: Sendable {
    /// By the first of these schemes of which a request carries a proof; there is at least one secret.
    case secret([Verifier.Scheme], [Secret])
    /// Every request is believed; `outright` when the configuration says `scheme: none`.
    case none(outright: Bool)

    /// The schemes' names in the configuration.
    var scheme: String {
        switch self {
        case .secret(let schemes, _): schemes.map(\.rawValue).joined(separator: " or ")
        case .none: Verifier.Scheme.none.rawValue
        }
    }

    var keyIDs: [String] {
        switch self {
        case .secret(_, let secrets): secrets.map(\.keyID)
        case .none: []
        }
    }

    fileprivate var verifier: Verifier {
        switch self {
        case .secret(let schemes, let secrets): Verifier(schemes: schemes, secrets: secrets)
        case .none: Verifier(scheme: .none, secrets: [])
        }
    }

    /// The headers with which a sender proves who it is, now; none for a source that verifies nothing.
    ///
    /// - Parameter id: What a scheme with an id of its own calls the delivery.
    func proof(of body: [UInt8], id: String) -> [ProofHeader] {
        proofs(of: body, id: id).first ?? []
    }

    /// The same by each secret: the first is the new one of a rotation, which the service may not know yet.
    func proofs(of body: [UInt8], id: String) -> [[ProofHeader]] {
        guard case .secret(let schemes, let secrets) = self, let scheme = schemes.first else { return [] }
        return secrets.map { scheme.proof(of: body, by: $0, id: id, at: .now()) }
    }
}

/// A named reader and what it wants when its engine lost its checkpoint, or died over its work.
struct ConsumerConfiguration: Sendable {
    let id: Consumer.ID
    var onRegressed = PollRule.OnRegressed.resume
    var whenInDoubt = Replay.WhenInDoubt.hold
}
