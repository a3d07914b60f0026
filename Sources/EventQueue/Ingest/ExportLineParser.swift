/// Reads a line of our own export: an event with everything that is stored about it.
///
/// `ExportLine` of the storage engine writes it.
struct ExportLineParser {
    private let text: JSONText

    /// The only form there is so far; a later one gets the next number.
    private static let format = 1

    init(_ text: JSONText) throws(ImportError) {
        let value = text["orgloop_queue"].flatMap(text.integer)
        guard value == Self.format else {
            throw value.map { $0 > Self.format } ?? false
                ? .newerFormat : .notAnEvent(detail: "`orgloop_queue` must be the number of a format")
        }
        self.text = text
    }

    func event() throws(ImportError) -> ImportedEvent {
        let identity = try EnvelopeIdentity(text)
        let body = Fingerprint(stored: try bytes(ofHash: "body_sha256"))
        let envelope = Fingerprint(stored: try bytes(ofHash: "envelope_sha256"))
        guard let body, let envelope else { throw .notAnEvent(detail: "a hash must have 64 digits") }
        let content = try content(of: identity, envelope: envelope, body: body)
        return ImportedEvent(
            id: identity.id, source: identity.source, kind: identity.kind,
            platformEvent: try string("platform_event"), receivedAt: try receivedAt(),
            verification: try string("verification", lengths: 1...Limits.verificationLengthMax),
            keyID: try optional("key_id", lengths: 1...Limits.verificationLengthMax),
            idempotencyKey: try optional("idempotency_key", lengths: 1...Limits.idempotencyKeyLengthMax),
            headersJSON: try headers(), bodyFingerprint: body, envelopeFingerprint: envelope, content: content)
    }

    // MARK: Content

    /// Envelope and body with the right hashes; `nil` when retention had dropped both.
    private func content(
        of identity: EnvelopeIdentity, envelope: Fingerprint, body: Fingerprint
    ) throws(ImportError) -> ImportedEvent.Content? {
        let envelopeBytes = try base64("envelope")
        let bodyBytes = try base64("body")
        guard let envelopeBytes, let bodyBytes else {
            guard envelopeBytes == nil, bodyBytes == nil else {
                throw .notAnEvent(detail: "`envelope` and `body` are null together")
            }
            return nil
        }
        guard Fingerprint(of: envelopeBytes) == envelope else { throw .hashMismatch(member: "envelope") }
        guard Fingerprint(of: bodyBytes) == body else { throw .hashMismatch(member: "body") }
        let inner: EnvelopeIdentity
        do {
            inner = try EnvelopeIdentity(ImportLine.json(envelopeBytes))
        } catch {
            throw .notAnEvent(detail: "`envelope` is not an OrgLoop event")
        }
        guard inner.id == identity.id else { throw .envelopeMismatch(member: "id") }
        guard inner.source == identity.source else { throw .envelopeMismatch(member: "source") }
        guard inner.kind == identity.kind else { throw .envelopeMismatch(member: "type") }
        return ImportedEvent.Content(envelope: envelopeBytes, body: bodyBytes)
    }

    private func base64(_ name: String) throws(ImportError) -> [UInt8]? {
        guard let value = text[name] else { throw .notAnEvent(detail: "`\(name)` is missing") }
        if value.kind == .null { return nil }
        guard let encoded = text.string(value), let bytes = Base64.decode(encoded.utf8) else {
            throw .badBase64(member: name)
        }
        return bytes
    }

    // MARK: Members

    private func string(_ name: String, lengths: ClosedRange<Int>? = nil) throws(ImportError) -> String {
        guard let text = text[name].flatMap(text.string) else {
            throw .notAnEvent(detail: "`\(name)` must be a string")
        }
        guard let lengths, !lengths.contains(text.utf8.count) else { return text }
        throw .notAnEvent(detail: "`\(name)` must have \(lengths.lowerBound) to \(lengths.upperBound) bytes")
    }

    private func optional(_ name: String, lengths: ClosedRange<Int>) throws(ImportError) -> String? {
        guard let value = text[name] else { throw .notAnEvent(detail: "`\(name)` is missing") }
        return value.kind == .null ? nil : try string(name, lengths: lengths)
    }

    private func bytes(ofHash name: String) throws(ImportError) -> [UInt8] {
        EventQueue.bytes(hexadecimal: try string(name)) ?? []
    }

    /// Only the form that is stored: another one would not be the same after the next export.
    private func receivedAt() throws(ImportError) -> Timestamp {
        let string = try string("received_at")
        guard let time = Timestamp(iso8601: string), time.iso8601 == string else {
            throw .notAnEvent(detail: "`received_at` must look like 2025-01-15T10:30:00.000Z")
        }
        return time
    }

    private func headers() throws(ImportError) -> String {
        guard let value = text["headers"], value.kind == .object else {
            throw .notAnEvent(detail: "`headers` must be an object")
        }
        return String(decoding: text.raw(value), as: UTF8.self)
    }
}
