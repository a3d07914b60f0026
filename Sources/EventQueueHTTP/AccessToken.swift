import Crypto

/// The bearer token of the consumer API.
///
/// It prints as nothing but its kind, so that no log line and no crash report can hold it.
public struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    /// Takes a token; `nil` for one that is empty or has anything but visible ASCII, which no header can
    /// carry.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        self.text = text
    }

    public var description: String { "AccessToken(redacted)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The value of the `Authorization` header that presents it.
    package var authorization: String { "Bearer \(text)" }

    /// Whether an `Authorization` header presents it, in a time that tells nothing about it.
    func isPresented(by authorization: String) -> Bool {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        // Digests have one length and compare in constant time, whatever was presented.
        return SHA256.hash(data: Array(parts[1].utf8)) == SHA256.hash(data: Array(text.utf8))
    }
}
