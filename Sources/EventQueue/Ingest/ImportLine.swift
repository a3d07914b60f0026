/// A line of a file that events are imported from: our own export, or OrgLoop's buffer.
///
/// It is the only maker of ``ImportedEvent``; what it lets through may be stored.
public enum ImportLine {
    /// Reads one line, without its line break and without anything around it.
    ///
    /// - Parameter receivedAt: When an event arrived whose line does not tell it.
    /// - Throws: ``ImportError``, which never quotes the line.
    public static func parse(_ bytes: [UInt8], receivedAt: Timestamp) throws(ImportError) -> ImportedEvent {
        let text = try json(bytes)
        guard text.root.kind == .object else { throw .notAnEvent(detail: "the line is not a JSON object") }
        guard text["orgloop_queue"] == nil else { return try ExportLineParser(text).event() }
        return try BufferLine(text).event(receivedAt: receivedAt)
    }

    /// Whether a line holds nothing.
    public static func isBlank(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy(isSpace) }

    /// What may stand around a JSON text.
    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    /// A buffer's line is an envelope, which is deeper than a body.
    static func json(_ bytes: [UInt8]) throws(ImportError) -> JSONText {
        do {
            return try JSONText(bytes, depthMax: Limits.envelopeDepthMax)
        } catch {
            throw .notJSON(detail: error.description)
        }
    }
}

/// Why a line is not imported. It never quotes the line.
public enum ImportError: Error, Sendable, Equatable {
    /// The line is longer than one import call may be.
    case tooLong(bytesMax: Int)
    /// The line is not the one JSON text it should be; the last line of a file that was cut is not.
    case notJSON(detail: String)
    /// The line is JSON and no event.
    case notAnEvent(detail: String)
    /// The line was written by a program that knows more than this one.
    case newerFormat
    /// A member is not base64.
    case badBase64(member: String)
    /// A member's bytes do not have the hash that stands beside them.
    case hashMismatch(member: String)
    /// The line says something else of its event than the envelope does.
    case envelopeMismatch(member: String)
    /// The id or the idempotency key belongs to an event with another content.
    case conflict(with: Event.ID)

    /// The stable name of what is wrong.
    public var code: String {
        switch self {
        case .tooLong: "too_long"
        case .notJSON: "not_json"
        case .notAnEvent: "not_an_event"
        case .newerFormat: "newer_format"
        case .badBase64: "bad_base64"
        case .hashMismatch: "hash_mismatch"
        case .envelopeMismatch: "envelope_mismatch"
        case .conflict: "conflict"
        }
    }

    /// What is wrong, for a person.
    public var detail: String {
        switch self {
        case .tooLong(let bytesMax):
            "the line is longer than \(bytesMax) bytes; limits.body_bytes_max of the service moves the limit"
        case .notJSON(let detail): "the line is not JSON: \(detail)"
        case .notAnEvent(let detail): detail
        case .newerFormat: "a newer orgloop-queue wrote this line; import it with that version"
        case .badBase64(let member): "`\(member)` is not base64"
        case .hashMismatch(let member): "`\(member)` does not have its hash: the line or its event is damaged"
        case .envelopeMismatch(let member): "`\(member)` is not the one of the envelope"
        case .conflict(let event): "the id or the idempotency key belongs to \(event), which has another content"
        }
    }
}

/// A line of OrgLoop's `buffer_dir`: the event JSON itself, of 0.1.9 or of a current version.
private struct BufferLine {
    private let text: JSONText

    init(_ text: JSONText) { self.text = text }

    func event(receivedAt: Timestamp) throws(ImportError) -> ImportedEvent {
        let identity = try EnvelopeIdentity(text)
        guard let timestamp = text["timestamp"], timestamp.kind == .string else {
            throw .notAnEvent(detail: "`timestamp` must be a string")
        }
        let provenance = text["provenance"].map(text.members(of:)) ?? []
        func member(_ name: String) -> String? {
            provenance.first { text.name(of: $0) == name }.flatMap { text.string($0.value) }
        }
        guard member("platform") != nil else {
            throw .notAnEvent(detail: "`provenance` must be an object with a string `platform`")
        }
        let body = Array(text.raw(text.root))
        let envelope = text.withoutMember("trace_id")
        return ImportedEvent(
            id: identity.id, source: identity.source, kind: identity.kind,
            platformEvent: member("platform_event") ?? "unknown", receivedAt: receivedAt,
            verification: ImportedEvent.unverified, keyID: nil, idempotencyKey: nil, headersJSON: "{}",
            bodyFingerprint: Fingerprint(of: body), envelopeFingerprint: Fingerprint(of: envelope),
            content: ImportedEvent.Content(envelope: envelope, body: body))
    }
}

/// What an envelope says about which event it is.
struct EnvelopeIdentity {
    let id: Event.ID
    let source: Source.ID
    let kind: Event.Kind

    /// Reads the three members, which an export's line has as well.
    init(_ text: JSONText) throws(ImportError) {
        func string(_ name: String) -> String { text[name].flatMap(text.string) ?? "" }
        guard let id = Event.ID(string("id")) else {
            throw .notAnEvent(detail: "`id` must be evt_ and letters or digits")
        }
        guard let source = Source.ID(string("source")) else {
            throw .notAnEvent(detail: "`source` must be 1 to 128 letters, digits, '-', '_' and '.'")
        }
        guard let kind = Event.Kind(rawValue: string("type")) else {
            let allowed = Event.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw .notAnEvent(detail: "`type` must be one of: \(allowed)")
        }
        self.id = id
        self.source = source
        self.kind = kind
    }
}

extension JSONText {
    /// The outermost object without one of its members, every other byte as it was.
    fileprivate func withoutMember(_ name: String) -> [UInt8] {
        guard let place = members.firstIndex(where: { self.name(of: $0) == name }) else {
            return Array(raw(root))
        }
        let member = members[place]
        let comma = UInt8(ascii: ",")
        // The quote before the name, and one of the commas beside the member: that before it, unless it is
        // the first. Nothing but white space and that comma lies between two members.
        var removed = member.name.lowerBound - 1..<member.value.range.upperBound
        if place > 0, let before = bytes[..<removed.lowerBound].lastIndex(of: comma) {
            removed = before..<removed.upperBound
        } else if members.count > 1, let behind = bytes[removed.upperBound...].firstIndex(of: comma) {
            removed = removed.lowerBound..<behind + 1
        }
        let before = bytes[root.range.lowerBound..<removed.lowerBound]
        return Array(before + bytes[removed.upperBound..<root.range.upperBound])
    }
}
