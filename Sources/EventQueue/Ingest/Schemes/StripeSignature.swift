/// `t=` a time and `v1=` the HMAC-SHA256 of `time.body` in hexadecimal digits, in one header.
///
/// https://docs.stripe.com/webhooks#verify-manually
struct StripeSignature: SignatureScheme {
    private let codes: KeyedCodes

    init(secrets: [Secret]) { codes = KeyedCodes(secrets) }

    func verify(_ request: Request) throws(VerificationError) -> String? {
        var times: [Substring] = []
        var signatures: [Code] = []
        for entry in try request.headers.single("stripe-signature").split(separator: ",") {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .invalidSignature }
            switch parts[0] {
            case "t": times.append(parts[1])
            case "v1":
                guard let code = Code(hexadecimal: parts[1]) else { throw .invalidSignature }
                signatures.append(code)
            // v0 is a scheme of test events; it is not consulted.
            default: continue
            }
        }
        guard times.count == 1 else { throw .invalidSignature }
        let time = try SignedTime(times[0], now: request.sentAt)
        return try codes.match(signatures, of: "\(time.text).", request.body)
    }

    /// Stripe names the event in its body, and sends it again under the same name.
    func deliveryID(of request: Request) -> String? { request.member("id") }

    /// `pending_webhooks` in the body counts what is still to be delivered, to this endpoint and others.
    ///
    /// https://docs.stripe.com/api/events/object#event_object-pending_webhooks
    var sendsAgain: Redelivery { .changed }

    static func proof(of body: [UInt8], by secret: Secret, at time: Timestamp) -> [ProofHeader] {
        let seconds = String(time.milliseconds / 1000)
        let code = secret.code(of: Array("\(seconds).".utf8) + body)
        return [ProofHeader(name: "Stripe-Signature", value: "t=\(seconds),v1=\(code)")]
    }
}
