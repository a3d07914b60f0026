/// `sha256=` and the HMAC-SHA256 of the body in 64 hexadecimal digits, as WebSub and GitHub send it.
///
/// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
struct HubSignature: SignatureScheme {
    private let codes: KeyedCodes

    init(secrets: [Secret]) { codes = KeyedCodes(secrets) }

    func verify(_ request: Request<some HeaderLookup>) throws(VerificationError) -> String? {
        let isSent = !request.headers.values(of: "x-hub-signature-256").isEmpty
        let value = try request.headers.single(isSent ? "x-hub-signature-256" : "x-signature")
        guard let signature = codeBytes(hexadecimal: value, prefix: Self.prefix) else { throw .invalidSignature }
        return try codes.match([signature], of: request.body)
    }

    static func proof(of body: [UInt8], by secret: Secret) -> [ProofHeader] {
        [ProofHeader(name: "X-Hub-Signature-256", value: prefix + secret.code(of: body))]
    }

    private static let prefix = "sha256="
}

/// The hub scheme as GitHub uses it, with an id for each delivery.
struct GitHubSignature: SignatureScheme {
    private let hub: HubSignature

    init(secrets: [Secret]) { hub = HubSignature(secrets: secrets) }

    func verify(_ request: Request<some HeaderLookup>) throws(VerificationError) -> String? { try hub.verify(request) }

    func deliveryID(of request: Request<some HeaderLookup>) -> String? {
        request.headers.values(of: "x-github-delivery").first
    }

    static func proof(of body: [UInt8], by secret: Secret, id: String) -> [ProofHeader] {
        HubSignature.proof(of: body, by: secret) + [ProofHeader(name: "X-GitHub-Delivery", value: id)]
    }
}
