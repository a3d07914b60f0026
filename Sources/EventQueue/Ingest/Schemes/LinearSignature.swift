/// The HMAC-SHA256 of the body in 64 hexadecimal digits, with nothing around them.
///
/// https://linear.app/developers/webhooks
struct LinearSignature: SignatureScheme {
    private let codes: KeyedCodes

    init(secrets: [Secret]) { codes = KeyedCodes(secrets) }

    func verify(_ request: Request) throws(VerificationError) -> String? {
        guard let signature = Code(hexadecimal: try request.headers.single("linear-signature")) else {
            throw .invalidSignature
        }
        return try codes.match(CollectionOfOne(signature), request.body)
    }

    func deliveryID(of request: Request) -> String? {
        request.headers.values(of: "linear-delivery").first
    }

    static func proof(of body: [UInt8], by secret: Secret, id: String) -> [ProofHeader] {
        [
            ProofHeader(name: "Linear-Signature", value: secret.code(of: body)),
            ProofHeader(name: "Linear-Delivery", value: id),
        ]
    }
}
