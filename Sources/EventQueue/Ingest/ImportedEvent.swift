/// An event that was stored elsewhere before: by another queue or by OrgLoop's own buffer.
///
/// Only ``ImportLine`` makes one, out of a line that it has checked.
public struct ImportedEvent: Sendable {
    /// The id it had where it was stored before.
    public let id: Event.ID
    /// The source that it came from there, and is stored under here.
    public let source: Source.ID
    /// What kind of event it is.
    public let kind: Event.Kind
    /// What happened, in the words of the platform.
    public let platformEvent: String
    /// When its request arrived, wherever that was.
    public let receivedAt: Timestamp
    /// How the request was verified where it arrived; `imported` for an event that came without its request.
    public let verification: String
    /// Which secret the request was signed with; `nil` for an unsigned one.
    public let keyID: String?
    /// The sender's delivery id; `nil` for a request without one.
    public let idempotencyKey: String?
    /// The allow-listed headers, a JSON object.
    public let headersJSON: String
    /// The SHA-256 of the body as it arrived.
    public let bodyFingerprint: Fingerprint
    /// The SHA-256 of the envelope as it was made.
    public let envelopeFingerprint: Fingerprint
    /// Both `nil` for an event that retention had thinned.
    public let content: Content?

    /// The `verification` of an event that came without its request.
    package static let unverified = "imported"

    /// What a thinned event has lost.
    public struct Content: Sendable, Equatable {
        /// The envelope, byte for byte.
        public let envelope: [UInt8]
        /// The body, byte for byte.
        public let body: [UInt8]

        init(envelope: [UInt8], body: [UInt8]) {
            self.envelope = envelope
            self.body = body
        }
    }

    init(
        id: Event.ID, source: Source.ID, kind: Event.Kind, platformEvent: String, receivedAt: Timestamp,
        verification: String, keyID: String?, idempotencyKey: String?, headersJSON: String,
        bodyFingerprint: Fingerprint, envelopeFingerprint: Fingerprint, content: Content?
    ) {
        self.id = id
        self.source = source
        self.kind = kind
        self.platformEvent = platformEvent
        self.receivedAt = receivedAt
        self.verification = verification
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
        self.headersJSON = headersJSON
        self.bodyFingerprint = bodyFingerprint
        self.envelopeFingerprint = envelopeFingerprint
        self.content = content
    }
}

/// What became of an imported event.
public enum Imported: Sendable, Equatable {
    /// It is stored now.
    case stored
    /// It is here already: the same id with the same envelope, or the same delivery under another id.
    case present(Event.ID)
    /// It was here, but its content did not have the recorded hashes any more: the right bytes were put back.
    case restored(Event.ID)
    /// Its id or its idempotency key belongs to an event with another content.
    case conflict(Event.ID)
}
