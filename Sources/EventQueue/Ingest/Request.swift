/// Looks up request headers, whatever library received them.
public protocol HeaderLookup {
    /// Every value of the header with this lower-case name, in the order of their arrival.
    func values(of name: String) -> [String]

    /// The same, for whoever is interested in one only.
    func value(of name: String) -> HeaderValue

    /// What the headers are called, for a person; none where nobody asks.
    var names: [String] { get }

    /// The same from afar, for whoever asks for many names; all where that is not known.
    var namesFromAfar: HeaderNames { get }
}

extension HeaderLookup {
    public func value(of name: String) -> HeaderValue {
        let values = values(of: name)
        return switch values.count {
        case 0: .none
        case 1: .one(values[0])
        default: .several(values)
        }
    }

    public var names: [String] { [] }
    public var namesFromAfar: HeaderNames { .all }
}

/// What a request has under a header's name: nearly always one value, for which no array is made.
public enum HeaderValue: Sendable {
    case none
    case one(String)
    /// Two at least.
    case several([String])
}

/// What arrived at the door, before anything about it is believed.
public struct Request {
    public let body: [UInt8]
    public let headers: any HeaderLookup
    public let receivedAt: Timestamp
    /// When it left its sender, by which a signed time is judged; `nil` when its age is not judged any more.
    let sentAt: Timestamp?

    /// - Parameter sentAt: For a request that waited on its way; else it is sent when it is received.
    public init(body: [UInt8], headers: any HeaderLookup, receivedAt: Timestamp, sentAt: Timestamp? = nil) {
        self.init(body: body, headers: headers, receivedAt: receivedAt, judgedAt: sentAt ?? receivedAt)
    }

    /// - Parameter judgedAt: `nil` for a request that was found fresh when it arrived.
    init(body: [UInt8], headers: any HeaderLookup, receivedAt: Timestamp, judgedAt: Timestamp?) {
        self.body = body
        self.headers = headers
        self.receivedAt = receivedAt
        sentAt = judgedAt
    }

    /// The text of a member of the body's outermost object; `nil` when there is none.
    func member(_ name: String) -> String? {
        guard let text = try? JSONText(body), let value = text[name] else { return nil }
        return text.string(value)
    }
}

/// Bytes that passed their source's verification; only ``Verifier`` makes one.
///
/// An object, because it is handed on at every step to the commit, and has five references to keep count of.
public final class VerifiedRequest: Sendable {
    public let body: [UInt8]
    public let receivedAt: Timestamp
    /// Under which key it is to be stored.
    let key: DeliveryKey
    /// How it was verified, for the audit.
    public let verdict: Verdict
    /// The allow-listed headers as a JSON object: what is needed to verify the request again.
    public let headersJSON: String

    /// The sender's delivery id, if it gave one that counts.
    public var idempotencyKey: String? { key.text }

    convenience init(
        body: [UInt8], receivedAt: Timestamp, idempotencyKey: String?, verdict: Verdict, headersJSON: String
    ) {
        self.init(
            body: body, receivedAt: receivedAt, key: .sent(idempotencyKey), verdict: verdict, headersJSON: headersJSON)
    }

    init(body: [UInt8], receivedAt: Timestamp, key: DeliveryKey, verdict: Verdict, headersJSON: String) {
        self.body = body
        self.receivedAt = receivedAt
        self.key = key
        self.verdict = verdict
        self.headersJSON = headersJSON
    }
}

/// Under which idempotency key a delivery is stored.
enum DeliveryKey: Sendable, Equatable {
    /// The one that was sent with it, if any; what its body calls it may count in its place.
    case sent(String?)
    /// The id that the sender's scheme has in what it signs: it is the same event, although the sender may have
    /// noted more in its body since.
    case signed(String)
    /// None, whatever headers and body call it: an operator stores it beside the event that has its key.
    case waived

    var text: String? {
        switch self {
        case .sent(let text): text
        case .signed(let text): text
        case .waived: nil
        }
    }

    /// The key of a part of the request, which is called something else than the whole.
    var ofPart: DeliveryKey {
        switch self {
        case .sent, .signed: .sent(nil)
        case .waived: .waived
        }
    }
}

extension VerifiedRequest {
    /// Whether the same event may come again in another body.
    package var mayComeChanged: Bool { if case .signed = key { true } else { false } }

    /// The headers that were kept.
    var headers: some HeaderLookup { StoredHeaders(Array(headersJSON.utf8)) }

    /// The same request under the delivery id that its body has, unless it has a key already that counts more, or is
    /// to have none.
    func identified(by deliveryID: String?, isDecisive: Bool) -> VerifiedRequest {
        guard case .sent(let sent) = key, isDecisive || sent == nil,
            let named = deliveryID.flatMap(IdempotencyKey.bounded)
        else { return self }
        return VerifiedRequest(
            body: body, receivedAt: receivedAt, key: .sent(named), verdict: verdict, headersJSON: headersJSON)
    }
}

/// Under which scheme and key a request was accepted.
public struct Verdict: Sendable, Hashable {
    /// The scheme's configuration name: `hub`, `none`.
    public let scheme: String
    /// Which of the configured secrets matched: the first 8 hexadecimal digits of a hash of it; `nil`
    /// when the scheme has none.
    public let keyID: String?

    init(scheme: String, keyID: String?) {
        self.scheme = scheme
        self.keyID = keyID
    }
}

/// An event that is ready to be stored; only ``Source/normalise(_:id:)`` makes one.
///
/// An object for the same reason as its request.
public final class NewEvent: Sendable {
    public let source: Source.ID
    public let id: Event.ID
    public let kind: Event.Kind
    public let platformEvent: String
    public let request: VerifiedRequest
    public let bodyFingerprint: Fingerprint
    /// The OrgLoop event JSON exactly as it will be emitted.
    public let envelope: [UInt8]
    public let envelopeFingerprint: Fingerprint
    /// Whether the body is Claude Code's own hook JSON, whose sender expects an empty answer.
    public let isHook: Bool

    init(
        source: Source.ID, id: Event.ID, kind: Event.Kind, platformEvent: String, request: VerifiedRequest,
        envelope: [UInt8], isHook: Bool
    ) {
        self.source = source
        self.id = id
        self.kind = kind
        self.platformEvent = platformEvent
        self.request = request
        self.envelope = envelope
        self.isHook = isHook
        bodyFingerprint = Fingerprint(of: request.body)
        envelopeFingerprint = Fingerprint(of: envelope)
    }
}

/// A verified request that could not become an event, with the reason.
public struct RejectedRequest: Sendable {
    public let source: Source.ID
    public let request: VerifiedRequest
    public let rejection: Rejection

    public init(source: Source.ID, request: VerifiedRequest, rejection: Rejection) {
        self.source = source
        self.request = request
        self.rejection = rejection
    }
}

/// Why a verified request is not an event.
public enum Rejection: Error, Sendable, Equatable {
    /// The body is not the one JSON text it should be; `detail` says where and why.
    case invalidJSON(detail: String)
    /// A required field is missing or of the wrong type.
    case missingField(name: String, detail: String)
    /// A header is missing that says what the body is.
    case missingHeader(name: String)
    /// The idempotency key belongs to an event with another body.
    case idempotencyConflict(first: Event.ID)

    /// The stable code under which it is kept.
    public var code: String {
        switch self {
        case .invalidJSON: "invalid_json"
        case .missingField: "missing_field"
        case .missingHeader: "missing_header"
        case .idempotencyConflict: "idempotency_conflict"
        }
    }

    /// What is wrong, for a person.
    public var detail: String {
        switch self {
        case .invalidJSON(let detail), .missingField(_, let detail): detail
        case .missingHeader(let name): "\(name) says what the body is, and is missing"
        case .idempotencyConflict(let first):
            "The idempotency key belongs to \(first), which has another body."
        }
    }
}
