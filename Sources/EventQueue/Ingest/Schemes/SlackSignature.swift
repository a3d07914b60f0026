/// `v0=` and the HMAC-SHA256 of `v0:time:body` in hexadecimal digits, the time in a header of its own.
///
/// https://docs.slack.dev/authentication/verifying-requests-from-slack
struct SlackSignature: SignatureScheme {
    private let codes: KeyedCodes

    init(secrets: [Secret]) { codes = KeyedCodes(secrets) }

    func verify(_ request: Request) throws(VerificationError) -> String? {
        let value = try request.headers.single("x-slack-signature")
        let times = request.headers.values(of: "x-slack-request-timestamp")
        guard times.count == 1, let signature = Code(hexadecimal: value, prefix: Self.prefix) else {
            throw .invalidSignature
        }
        let time = try SignedTime(times[0], now: request.sentAt)
        return try codes.match(CollectionOfOne(signature), of: "v0:\(time.text):", request.body)
    }

    /// The Events API names the event in its body, and sends it again under the same name.
    func deliveryID(of request: Request) -> String? { request.member("event_id") }

    static func proof(of body: [UInt8], by secret: Secret, at time: Timestamp) -> [ProofHeader] {
        let seconds = String(time.milliseconds / 1000)
        return [
            ProofHeader(name: "X-Slack-Request-Timestamp", value: seconds),
            ProofHeader(
                name: "X-Slack-Signature", value: "\(prefix)\(secret.code(of: Array("v0:\(seconds):".utf8) + body))"),
        ]
    }

    private static let prefix: StaticString = "v0="
}
