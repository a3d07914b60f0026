import Crypto
import EventQueue

/// A configured secret: it signs and names itself by its key id, and never prints.
struct SigningSecret: Sendable, CustomStringConvertible {
    /// The domain's value, which verifies.
    let secret: Secret
    private let key: SymmetricKey
    /// The value of `Authorization` that presents the secret itself.
    let authorization: String

    /// `nil` for an empty text.
    init?(_ text: String) {
        guard let secret = Secret(text) else { return nil }
        self.secret = secret
        key = SymmetricKey(data: Array(text.utf8))
        authorization = "Bearer \(text)"
    }

    /// The name under which an audit shows it.
    var keyID: String { secret.keyID }

    var description: String { "secret \(keyID)" }

    /// The value of `X-Hub-Signature-256` for `body`.
    func hubSignature(of body: [UInt8]) -> String {
        "sha256=" + hexadecimal(Array(HMAC<SHA256>.authenticationCode(for: body, using: key)))
    }
}
