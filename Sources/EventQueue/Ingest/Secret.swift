import Crypto

/// A shared secret of a source. It never prints itself.
public struct Secret: Sendable {
    let key: SymmetricKey
    /// Tells secrets apart in the audit: the first 8 hexadecimal digits of the SHA-256 of the secret.
    public let keyID: String

    /// Takes the secret's UTF-8 bytes; `nil` when there are none, because everybody knows the empty secret.
    public init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        key = SymmetricKey(data: Array(text.utf8))
        keyID = String(Fingerprint(of: Array(text.utf8)).description.prefix(8))
    }

    /// The secret itself.
    var text: String { key.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

    /// HMAC-SHA256 of `content` in hexadecimal digits.
    func code(of content: [UInt8]) -> String {
        hexadecimal(Array(HMAC<SHA256>.authenticationCode(for: content, using: key)))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Secret(redacted)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
