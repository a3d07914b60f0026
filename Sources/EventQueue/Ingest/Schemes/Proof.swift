/// A header that proves who sends a request. It never prints its value, which may be the secret itself.
public struct ProofHeader: Sendable, CustomStringConvertible, CustomReflectable {
    public let name: String
    public let value: String

    public var description: String { "\(name): (redacted)" }
    public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

extension Verifier.Scheme {
    /// The headers with which a sender proves that `body` comes from it.
    ///
    /// - Parameters:
    ///   - secret: One that the scheme ``accepts(_:)``.
    ///   - id: What a scheme with an id of its own calls the delivery.
    ///   - time: What a scheme that signs a time says.
    public func proof(of body: [UInt8], by secret: Secret, id: String, at time: Timestamp) -> [ProofHeader] {
        switch self {
        case .hub: HubSignature.proof(of: body, by: secret)
        case .standardWebhooks: StandardWebhooksSignature.proof(of: body, by: secret, id: id, at: time)
        case .github: GitHubSignature.proof(of: body, by: secret, id: id)
        case .linear: LinearSignature.proof(of: body, by: secret, id: id)
        case .stripe: StripeSignature.proof(of: body, by: secret, at: time)
        case .slack: SlackSignature.proof(of: body, by: secret, at: time)
        case .bearer: BearerSecret.proof(by: secret)
        case .none: []
        }
    }
}
