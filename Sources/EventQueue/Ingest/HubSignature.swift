import Crypto

/// `sha256=` and the HMAC-SHA256 of the body in 64 hexadecimal digits, as WebSub and GitHub send it.
///
/// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
struct HubSignature: SignatureScheme {
    private let keys: [(id: String, code: HMAC<SHA256>)]

    init(secrets: [Secret]) {
        // Keying costs as much as a short body: it is done once, and each request takes a copy.
        keys = secrets.map { ($0.keyID, HMAC<SHA256>(key: $0.key)) }
    }

    func verify(_ request: Request<some HeaderLookup>) throws(VerificationError) -> String? {
        var values = request.headers.values(of: "x-hub-signature-256")
        if values.isEmpty { values = request.headers.values(of: "x-signature") }
        guard let value = values.first else { throw .missingSignature }
        guard values.count == 1, let signature = Self.parse(value) else { throw .invalidSignature }
        var matched: String?
        // Every secret is tried, so the time taken does not tell which one matched.
        for key in keys {
            var code = key.code
            code.update(data: request.body)
            // Crypto compares in constant time.
            let isValid = code.finalize() == signature
            if isValid, matched == nil { matched = key.id }
        }
        guard let matched else { throw .invalidSignature }
        return matched
    }

    private static func parse(_ value: String) -> [UInt8]? {
        guard value.hasPrefix(prefix), value.utf8.count == prefix.utf8.count + 2 * SHA256.byteCount else {
            return nil
        }
        return bytes(hexadecimal: value.dropFirst(prefix.count))
    }

    private static let prefix = "sha256="
}
