/// `sha256=` and the HMAC-SHA256 of the body in 64 hexadecimal digits, as WebSub and GitHub send it.
///
/// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
struct HubSignature: SignatureScheme {
    private let codes: KeyedCodes

    init(secrets: [Secret]) { codes = KeyedCodes(secrets) }

    func verify(_ request: Request) throws(VerificationError) -> String? {
        guard let signature = Code(hexadecimal: try Self.value(in: request.headers), prefix: Self.prefix) else {
            throw .invalidSignature
        }
        return try codes.match(CollectionOfOne(signature), request.body)
    }

    static func proof(of body: [UInt8], by secret: Secret) -> [ProofHeader] {
        [ProofHeader(name: "X-Hub-Signature-256", value: "\(prefix)\(secret.code(of: body))")]
    }

    private static let prefix: StaticString = "sha256="

    /// The header of today, else the one of old. A request that has the first is not asked for it twice.
    private static func value(in headers: some HeaderLookup) throws(VerificationError) -> String {
        do {
            return try headers.single("x-hub-signature-256")
        } catch .missingSignature {
            return try headers.single("x-signature")
        }
    }
}

/// The hub scheme as GitHub uses it, with an id for each delivery.
struct GitHubSignature: SignatureScheme {
    private let hub: HubSignature

    init(secrets: [Secret]) { hub = HubSignature(secrets: secrets) }

    func verify(_ request: Request) throws(VerificationError) -> String? { try hub.verify(request) }

    func deliveryID(of request: Request) -> String? {
        request.headers.values(of: "x-github-delivery").first
    }

    static func proof(of body: [UInt8], by secret: Secret, id: String) -> [ProofHeader] {
        HubSignature.proof(of: body, by: secret) + [ProofHeader(name: "X-GitHub-Delivery", value: id)]
    }
}
