import FoundationEssentials

/// A request as it was stored, for a second look at its signature.
package struct StoredRequest: Sendable {
    /// The scheme under which it was accepted.
    package let scheme: String
    /// Which secret it matched.
    package let keyID: String?
    /// The allow-listed headers, a JSON object whose values are a string or an array of strings.
    package let headersJSON: [UInt8]
    package let body: [UInt8]
    /// When it arrived: a signature over a time is judged by that clock, not by today's.
    package let receivedAt: Timestamp

    package init(
        scheme: String, keyID: String?, headersJSON: [UInt8], body: [UInt8], receivedAt: Timestamp
    ) {
        self.scheme = scheme
        self.keyID = keyID
        self.headersJSON = headersJSON
        self.body = body
        self.receivedAt = receivedAt
    }
}

extension Verifier {
    /// What a second look at a stored request found.
    package enum Recheck: Sendable, Equatable {
        /// The kept body still has the signature that was sent with it.
        case valid
        /// It does not: body, headers or key id were changed since.
        case invalid
        /// The secret that it matched is not configured any more, so nobody can tell.
        case unknownSecret
    }

    /// Whether a stored request has no signature to look at again: it was believed as it came, came without its
    /// request, or presented a secret that is not kept.
    package static func isUnsigned(scheme: String) -> Bool {
        ["none", "imported", "bearer"].contains(scheme) || scheme.hasSuffix(partSuffix)
    }

    /// What the scheme of an event ends in whose signature covers more than this event: a part of a batch.
    static let partSuffix = "+batch"

    /// Verifies a stored request again, with the secret that it matched when it arrived.
    package func recheck(_ request: StoredRequest) -> Recheck {
        guard let signature = signature(under: request.scheme), let keyID = request.keyID, keyIDs.contains(keyID)
        else {
            return .unknownSecret
        }
        // It was fresh when it arrived, or it would not be here.
        let arrived = Request(
            body: request.body, headers: StoredHeaders(request.headersJSON), receivedAt: request.receivedAt,
            judgedAt: nil)
        let matched = try? signature.verify(arrived)
        return matched == keyID ? .valid : .invalid
    }
}

/// Headers as ``AuditedHeaders`` wrote them.
struct StoredHeaders: HeaderLookup {
    private let text: JSONText?

    init(_ json: [UInt8]) { text = try? JSONText(json) }

    func values(of name: String) -> [String] {
        guard let text, let value = text[name] else { return [] }
        if let single = text.string(value) { return [single] }
        return (try? JSONDecoder().decode([String].self, from: Data(text.raw(value)))) ?? []
    }
}
