/// Decides whether a request comes from a source's sender, over the raw body and before anything is parsed.
///
/// It is the only maker of ``VerifiedRequest``.
public struct Verifier: Sendable {
    /// How a sender proves who it is; the raw value is the configuration's name.
    public enum Scheme: String, CaseIterable, Sendable {
        /// HMAC-SHA256 of the body in `X-Hub-Signature-256`, else in `X-Signature`.
        case hub
        /// `webhook-id`, `webhook-timestamp` and `webhook-signature`, or the same with `svix-`.
        case standardWebhooks = "standard-webhooks"
        /// ``hub``, with the delivery's id in `X-GitHub-Delivery`.
        case github
        /// `Linear-Signature`, with the delivery's id in `Linear-Delivery`.
        case linear
        /// `Stripe-Signature`.
        case stripe
        /// `X-Slack-Signature` and `X-Slack-Request-Timestamp`.
        case slack
        /// The secret itself, in `Authorization: Bearer …`.
        case bearer
        /// No proof: everything is accepted.
        case none

        /// What a secret of this scheme looks like; `nil` when any text will do.
        public var secretForm: String? {
            self == .standardWebhooks ? "whsec_ and a key in base64" : nil
        }

        /// Whether requests can be verified with `secret`.
        public func accepts(_ secret: Secret) -> Bool {
            self != .standardWebhooks || StandardWebhooksSignature.key(of: secret) != nil
        }
    }

    /// Every scheme that is accepted, in the order in which they are asked.
    public let schemes: [Scheme]
    private let signatures: [(scheme: Scheme, signature: any SignatureScheme)]
    /// The key ids of the secrets, under which an audit finds the one that a stored request matched.
    package let keyIDs: Set<String>

    /// Verifies under `scheme`; a rotation has two secrets, and each of them is accepted.
    ///
    /// The configuration checks what is a precondition here: ``Scheme/none`` has no secret, every other
    /// scheme at least one that it ``Scheme/accepts(_:)``.
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
    public func verify(_ request: Request) throws(VerificationError) -> VerifiedRequest {
        let (verdict, delivery) = try verdict(on: request)
        return VerifiedRequest(
            body: request.body,
            receivedAt: request.receivedAt,
            // What the sender's scheme names is sent with each retry; a key beside it may be anybody's.
            key: delivery ?? .sent(IdempotencyKey.read(from: request.headers)),
            verdict: verdict,
            headersJSON: AuditedHeaders.json(request.headers)
        )
    }

    /// How requests are verified under one of the accepted schemes; `nil` for another.
    func signature(under scheme: String) -> (any SignatureScheme)? {
        signatures.first { $0.scheme.rawValue == scheme }?.signature
    }

    private func verdict(
        on request: Request
    ) throws(VerificationError) -> (Verdict, DeliveryKey?) {
        for (scheme, signature) in signatures {
            do {
                let verdict = Verdict(scheme: scheme.rawValue, keyID: try signature.verify(request))
                return (verdict, signature.deliveryKey(of: request))
            } catch .missingSignature {
                continue
            }
        }
        throw .missingSignature
    }

    /// The key of a request that was kept under `key`: one that its scheme has in what it signs is that again.
    static func keptKey(_ key: String?, of request: Request, under scheme: String) -> DeliveryKey {
        // What a delivery is called takes no secret.
        let named = Scheme(rawValue: scheme).flatMap { signature($0, []).deliveryKey(of: request) }
        return named.flatMap { $0.text == key ? $0 : nil } ?? .sent(key)
    }

    private static func signature(_ scheme: Scheme, _ secrets: [Secret]) -> any SignatureScheme {
        switch scheme {
        case .hub: HubSignature(secrets: secrets)
        case .standardWebhooks: StandardWebhooksSignature(secrets: secrets)
        case .github: GitHubSignature(secrets: secrets)
        case .linear: LinearSignature(secrets: secrets)
        case .stripe: StripeSignature(secrets: secrets)
        case .slack: SlackSignature(secrets: secrets)
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
    func verify(_ request: Request) throws(VerificationError) -> String?

    /// The id that the scheme gives to a delivery, the same when it is sent again; `nil` when it has none.
    func deliveryID(of request: Request) -> String?

    /// How a delivery comes that is sent again.
    var sendsAgain: Redelivery { get }
}

/// What a sender does to a delivery that it sends again under the same id.
enum Redelivery {
    case asItWas
    /// It notes in the body how the deliveries went so far.
    case changed
}

extension SignatureScheme {
    func deliveryID(of request: Request) -> String? { nil }

    var sendsAgain: Redelivery { .asItWas }

    /// The key that the scheme gives to a delivery; `nil` when it names none.
    func deliveryKey(of request: Request) -> DeliveryKey? {
        deliveryID(of: request).flatMap(IdempotencyKey.bounded).map { id in
            switch sendsAgain {
            case .asItWas: .sent(id)
            case .changed: .signed(id)
            }
        }
    }
}

/// The scheme of sources without a secret.
struct NoSignature: SignatureScheme {
    func verify(_ request: Request) -> String? { nil }
}
