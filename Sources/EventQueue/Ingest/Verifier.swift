/// Decides whether a request comes from a source's sender, over the raw body and before anything is parsed.
///
/// It is the only maker of ``VerifiedRequest``.
public struct Verifier: Sendable {
    /// How a sender proves who it is; the raw value is the configuration's name.
    public enum Scheme: String, CaseIterable, Sendable {
        /// HMAC-SHA256 of the body in `X-Hub-Signature-256`, else in `X-Signature`.
        case hub
        /// No proof: everything is accepted.
        case none
    }

    public let scheme: Scheme
    let signature: any SignatureScheme
    /// The key ids of the secrets, under which an audit finds the one that a stored request matched.
    let keyIDs: Set<String>

    /// Verifies under `scheme`; a rotation has two secrets, and each of them is accepted.
    ///
    /// The configuration checks what is a precondition here: ``Scheme/none`` has no secret, every other
    /// scheme at least one.
    public init(scheme: Scheme, secrets: [Secret]) {
        precondition((scheme == .none) == secrets.isEmpty, "every scheme but `none` needs a secret")
        self.scheme = scheme
        keyIDs = Set(secrets.map(\.keyID))
        signature =
            switch scheme {
            case .hub: HubSignature(secrets: secrets)
            case .none: NoSignature()
            }
    }

    /// Accepts `request`, with its delivery id and what the audit needs to verify it again.
    ///
    /// - Throws: ``VerificationError``, which tells a forger no more than that it failed.
    public func verify(_ request: Request<some HeaderLookup>) throws(VerificationError) -> VerifiedRequest {
        let keyID = try signature.verify(request)
        return VerifiedRequest(
            body: request.body,
            receivedAt: request.receivedAt,
            idempotencyKey: IdempotencyKey.read(from: request.headers),
            verdict: Verdict(scheme: scheme.rawValue, keyID: keyID),
            headersJSON: AuditedHeaders.json(request.headers)
        )
    }
}

/// Why a request is not believed.
public enum VerificationError: Error, Sendable {
    /// The request carries no signature at all.
    case missingSignature
    /// The signature is wrong, malformed or repeated.
    case invalidSignature

    /// The text of the answer, the same as OrgLoop's.
    public var message: String {
        switch self {
        case .missingSignature: "Missing signature"
        case .invalidSignature: "Invalid signature"
        }
    }
}

/// One way of proving who sent a request.
protocol SignatureScheme: Sendable {
    /// Returns which key matched; `nil` for a scheme without keys.
    func verify(_ request: Request<some HeaderLookup>) throws(VerificationError) -> String?
}

/// The scheme of sources without a secret.
struct NoSignature: SignatureScheme {
    func verify(_ request: Request<some HeaderLookup>) -> String? { nil }
}
