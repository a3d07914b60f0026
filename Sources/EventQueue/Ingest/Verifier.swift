/// Decides whether a request comes from a source's sender, over the raw body and before anything is parsed.
///
/// It is the only maker of ``VerifiedRequest``.
public struct Verifier: Sendable {
    /// How a sender proves who it is; the raw value is the configuration's name.
    public enum Scheme: String, CaseIterable, Sendable {
        /// HMAC-SHA256 of the body in `X-Hub-Signature-256`, else in `X-Signature`.
        case hub
        /// The secret itself, in `Authorization: Bearer …`.
        case bearer
        /// No proof: everything is accepted.
        case none
    }

    /// Every scheme that is accepted, in the order in which they are asked.
    public let schemes: [Scheme]
    private let signatures: [(scheme: Scheme, signature: any SignatureScheme)]
    /// The key ids of the secrets, under which an audit finds the one that a stored request matched.
    let keyIDs: Set<String>

    /// Verifies under `scheme`; a rotation has two secrets, and each of them is accepted.
    ///
    /// The configuration checks what is a precondition here: ``Scheme/none`` has no secret, every other
    /// scheme at least one.
    public init(scheme: Scheme, secrets: [Secret]) { self.init(schemes: [scheme], secrets: secrets) }

    /// Verifies under the first of `schemes` of which a request carries any proof, right or wrong.
    ///
    /// - Parameter schemes: At least one; ``Scheme/none`` stands alone and has no secret.
    public init(schemes: [Scheme], secrets: [Secret]) {
        precondition(!schemes.isEmpty, "a verifier needs a scheme")
        precondition((schemes == [.none]) == secrets.isEmpty, "every scheme but `none` needs a secret")
        precondition(schemes.count == 1 || !schemes.contains(.none), "`none` beside a scheme would believe all")
        self.schemes = schemes
        keyIDs = Set(secrets.map(\.keyID))
        signatures = schemes.map { ($0, Self.signature($0, secrets)) }
    }

    /// Accepts `request`, with its delivery id and what the audit needs to verify it again.
    ///
    /// - Throws: ``VerificationError``, which tells a forger no more than that it failed.
    public func verify(_ request: Request<some HeaderLookup>) throws(VerificationError) -> VerifiedRequest {
        let verdict = try verdict(on: request)
        return VerifiedRequest(
            body: request.body,
            receivedAt: request.receivedAt,
            idempotencyKey: IdempotencyKey.read(from: request.headers),
            verdict: verdict,
            headersJSON: AuditedHeaders.json(request.headers)
        )
    }

    /// How requests are verified under one of the accepted schemes; `nil` for another.
    func signature(under scheme: String) -> (any SignatureScheme)? {
        signatures.first { $0.scheme.rawValue == scheme }?.signature
    }

    private func verdict(on request: Request<some HeaderLookup>) throws(VerificationError) -> Verdict {
        for (scheme, signature) in signatures {
            do {
                return Verdict(scheme: scheme.rawValue, keyID: try signature.verify(request))
            } catch .missingSignature {
                continue
            }
        }
        throw .missingSignature
    }

    private static func signature(_ scheme: Scheme, _ secrets: [Secret]) -> any SignatureScheme {
        switch scheme {
        case .hub: HubSignature(secrets: secrets)
        case .bearer: BearerSecret(secrets: secrets)
        case .none: NoSignature()
        }
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
