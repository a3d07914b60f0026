import Crypto

/// The secret itself in `Authorization: Bearer …`, for senders that can set a header and cannot sign.
///
/// It proves who sent the request, and nothing about the body: there is no signature to check again later.
///
/// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
struct BearerSecret: SignatureScheme {
    private let digests: [(id: String, digest: SHA256Digest)]

    init(secrets: [Secret]) {
        digests = secrets.map { secret in
            (secret.keyID, secret.key.withUnsafeBytes { SHA256.hash(data: $0) })
        }
    }

    func verify(_ request: Request) throws(VerificationError) -> String? {
        let values = request.headers.values(of: "authorization")
        // Another kind of authorization is between the sender and a proxy.
        guard let value = values.first(where: { $0.prefix(7).lowercased() == "bearer " }) else {
            throw .missingSignature
        }
        guard values.count == 1 else { throw .invalidSignature }
        // Digests have one length and compare in constant time, whatever was presented.
        let presented = SHA256.hash(data: Array(value.utf8.dropFirst(7)))
        var matched: String?
        for secret in digests {
            let isEqual = secret.digest == presented
            if isEqual, matched == nil { matched = secret.id }
        }
        guard let matched else { throw .invalidSignature }
        return matched
    }

    static func proof(by secret: Secret) -> [ProofHeader] {
        [ProofHeader(name: "Authorization", value: "Bearer \(secret.text)")]
    }
}
