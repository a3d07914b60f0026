/// A verified request that could not become an event, as it is kept.
public struct QuarantinedRequest: Sendable {
    /// Its number in the quarantine; never used twice.
    public let id: Int64
    public let source: Source.ID
    /// ISO 8601, as it was stored.
    public let receivedAt: String
    /// The ``Rejection/code`` of what was wrong.
    public let reason: String
    /// The same for a person.
    public let detail: String
    /// The scheme under which it was verified.
    public let verification: String
    public let keyID: String?
    public let idempotencyKey: String?
    /// The allow-listed headers, a JSON object.
    public let headersJSON: String
    public let bodyFingerprint: Fingerprint?
    public let bodyBytes: Int
    /// `nil` in a listing.
    public let body: [UInt8]?

    public init(
        id: Int64, source: Source.ID, receivedAt: String, reason: String, detail: String, verification: String,
        keyID: String?, idempotencyKey: String?, headersJSON: String, bodyFingerprint: Fingerprint?, bodyBytes: Int,
        body: [UInt8]?
    ) {
        self.id = id
        self.source = source
        self.receivedAt = receivedAt
        self.reason = reason
        self.detail = detail
        self.verification = verification
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
        self.headersJSON = headersJSON
        self.bodyFingerprint = bodyFingerprint
        self.bodyBytes = bodyBytes
        self.body = body
    }

    /// The request as it was when it was refused.
    ///
    /// It was verified when it arrived, and only what was verified comes into the quarantine; a secret that was
    /// dropped since does not make it false. A body that no longer has its hash is not the one that was verified.
    ///
    /// - Parameter use: What becomes of its idempotency key, under which another event may be stored.
    /// - Returns: `nil` in a listing, and when its body or its time was changed in the file.
    package func verified(_ use: KeyUse = .keepingKey) -> VerifiedRequest? {
        guard let body, Fingerprint(of: body) == bodyFingerprint, let received = Timestamp(iso8601: receivedAt) else {
            return nil
        }
        let kept = Request(
            body: body, headers: StoredHeaders(Array(headersJSON.utf8)), receivedAt: received, judgedAt: nil)
        let key =
            switch use {
            case .keepingKey: Verifier.keptKey(idempotencyKey, of: kept, under: verification)
            case .waivingKey: DeliveryKey.waived
            }
        return VerifiedRequest(
            body: body, receivedAt: received, key: key, verdict: Verdict(scheme: verification, keyID: keyID),
            headersJSON: headersJSON)
    }

    /// What becomes of the idempotency key of a request that is retried.
    package enum KeyUse: Sendable {
        /// A delivery that came in meanwhile is not stored twice.
        case keepingKey
        /// It is stored under none, whatever its headers and its body call it.
        case waivingKey
    }
}
