import Crypto

/// `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, among others in a list.
///
/// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
struct StandardWebhooksSignature: SignatureScheme {
    private let codes: KeyedCodes

    /// - Parameter secrets: Each is `whsec_` and a key in base64; see ``key(of:)``.
    init(secrets: [Secret]) {
        codes = KeyedCodes(
            secrets.map { secret in
                guard let key = Self.key(of: secret) else { preconditionFailure("the configuration checks the secret") }
                return (secret.keyID, KeyedHash(key))
            })
    }

    func verify(_ request: Request) throws(VerificationError) -> String? {
        let names = Self.names(in: request.headers)
        let list = try request.headers.single(names.signature)
        let id = try part(names.id, of: request)
        let time = try SignedTime(try part(names.timestamp, of: request), now: request.sentAt)
        // A dot in it would let a forger move the border between id, time and body.
        guard !id.isEmpty, !id.utf8.contains(UInt8(ascii: ".")) else { throw .invalidSignature }
        let signatures = list.split(separator: " ").compactMap(Self.parse)
        return try codes.match(signatures, of: "\(id).\(time.text).", request.body)
    }

    func deliveryID(of request: Request) -> String? {
        request.headers.values(of: Self.names(in: request.headers).id).first
    }

    /// The key that a secret stands for; `nil` when it is not base64, with or without `whsec_` before it.
    static func key(of secret: Secret) -> SymmetricKey? {
        var text = secret.text[...]
        if text.hasPrefix(secretPrefix) { text = text.dropFirst(secretPrefix.count) }
        // Some senders show it without its padding.
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let key = Base64.decode(Array((text + padding).utf8)), !key.isEmpty else { return nil }
        return SymmetricKey(data: key)
    }

    static func proof(of body: [UInt8], by secret: Secret, id: String, at time: Timestamp) -> [ProofHeader] {
        guard let key = key(of: secret) else { preconditionFailure("the configuration checks the secret") }
        let seconds = String(time.milliseconds / 1000)
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array("\(id).\(seconds).".utf8))
        code.update(data: body)
        return [
            ProofHeader(name: "webhook-id", value: id), ProofHeader(name: "webhook-timestamp", value: seconds),
            ProofHeader(name: "webhook-signature", value: version + Base64.encode(Array(code.finalize()))),
        ]
    }

    private static let version = "v1,"
    private static let secretPrefix = "whsec_"

    private static func names(
        in headers: some HeaderLookup
    ) -> (id: String, timestamp: String, signature: String) {
        // Svix had the same scheme before it was a standard, and its senders keep its names.
        let prefix = headers.values(of: "webhook-signature").isEmpty ? "svix" : "webhook"
        return ("\(prefix)-id", "\(prefix)-timestamp", "\(prefix)-signature")
    }

    /// A header that belongs to the signature: without it there is one, and it is not right.
    private func part(_ name: String, of request: Request) throws(VerificationError) -> String {
        let values = request.headers.values(of: name)
        guard values.count == 1 else { throw .invalidSignature }
        return values[0]
    }

    /// Another version is another algorithm, which is not consulted.
    private static func parse(_ entry: Substring) -> Code? {
        guard entry.hasPrefix(version) else { return nil }
        return Base64.decode(Array(entry.utf8.dropFirst(version.utf8.count))).flatMap { Code($0) }
    }
}
