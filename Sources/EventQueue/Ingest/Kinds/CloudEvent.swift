/// A CloudEvent, in whichever of the three ways HTTP carries it.
///
/// `source` and `id` together are its identity, and so its idempotency key.
///
/// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
struct CloudEvent {
    /// JSON strings, as they are sent or as they are spelled here.
    private let id: ArraySlice<UInt8>
    private let source: ArraySlice<UInt8>
    private let type: ArraySlice<UInt8>
    private let subject: ArraySlice<UInt8>?
    private let time: ArraySlice<UInt8>?
    private let typeText: String
    private let identity: String
    /// A JSON object.
    private let payload: ArraySlice<UInt8>

    /// How a request carries CloudEvents.
    enum Mode { case binary, structured, batched }

    static func mode(_ headers: some HeaderLookup) -> Mode {
        let type = headers.values(of: "content-type").first?.lowercased() ?? ""
        if type.hasPrefix("application/cloudevents-batch") { return .batched }
        return type.hasPrefix("application/cloudevents") ? .structured : .binary
    }

    /// The event that a JSON object is.
    ///
    /// - Throws: ``Rejection/missingField(name:detail:)`` for a required attribute.
    init(structured body: JSONText) throws(Rejection) {
        id = try Self.attribute("id", body)
        source = try Self.attribute("source", body)
        type = try Self.attribute("type", body)
        try Self.check(source: body["source"].flatMap(body.string) ?? "", "source")
        guard body["specversion"].flatMap(body.string) == "1.0" else {
            throw .missingField(name: "specversion", detail: "specversion must be \"1.0\"")
        }
        subject = body["subject"].flatMap { $0.kind == .string ? body.raw($0) : nil }
        time = body["time"].flatMap { Self.isTime(body.string($0)) ? body.raw($0) : nil }
        typeText = body["type"].flatMap(body.string) ?? ""
        identity = Self.identity(body["source"].flatMap(body.string), body["id"].flatMap(body.string))
        payload = Self.payload(body["data"], of: body, or: body["data_base64"])
    }

    /// The event whose attributes are in the headers and whose data is the body.
    ///
    /// - Parameter body: `nil` for an event without data, which has no body.
    /// - Throws: ``Rejection/missingHeader(name:)`` for a required attribute.
    init(binary body: JSONText?, headers: some HeaderLookup) throws(Rejection) {
        func header(_ name: String) throws(Rejection) -> String {
            guard let value = headers.values(of: name).first, !value.isEmpty else { throw .missingHeader(name: name) }
            return value.removingPercentEscapes
        }
        guard try header("ce-specversion") == "1.0" else {
            throw .missingField(name: "ce-specversion", detail: "ce-specversion must be 1.0")
        }
        let (id, source, type) = (try header("ce-id"), try header("ce-source"), try header("ce-type"))
        try Self.check(source: source, "ce-source")
        self.id = ArraySlice(jsonString(id).utf8)
        self.source = ArraySlice(jsonString(source).utf8)
        self.type = ArraySlice(jsonString(type).utf8)
        typeText = type
        identity = Self.identity(source, id)
        subject = headers.values(of: "ce-subject").first.map { ArraySlice(jsonString($0.removingPercentEscapes).utf8) }
        let time = headers.values(of: "ce-time").first
        self.time = Self.isTime(time) ? time.map { ArraySlice(jsonString($0).utf8) } : nil
        payload = body.map { Self.payload($0.root, of: $0, or: nil) } ?? ArraySlice("{}".utf8)
    }

    func draft(receivedAt: Timestamp) -> EventDraft {
        var provenance = JSONBytes(capacity: 256)
        provenance.literal(#"{"platform":"cloudevents","platform_event":"#)
        provenance.raw(type)
        provenance.member("ce_source", source)
        provenance.member("ce_id", id)
        if let subject { provenance.member("ce_subject", subject) }
        provenance.literal("}")
        return EventDraft(
            kind: .resourceChanged, platformEvent: typeText,
            timestamp: time ?? receivedAt.json,
            provenance: provenance.bytes[...], payload: payload, deliveryID: identity, isDeliveryIDDecisive: true)
    }

    private static func attribute(_ name: String, _ body: JSONText) throws(Rejection) -> ArraySlice<UInt8> {
        guard let value = body[name], value.kind == .string, value.range.count > 2 else {
            throw .missingField(name: name, detail: "\(name) must be a string that is not empty")
        }
        return body.raw(value)
    }

    /// - Throws: ``Rejection/missingField(name:detail:)`` for what is no URI reference: it has no space, which is what
    ///   tells where it ends in the event's identity.
    private static func check(source: String, _ name: String) throws(Rejection) {
        guard !source.contains(where: \.isWhitespace) else {
            throw .missingField(name: name, detail: "\(name) must be a URI reference, which has no space in it")
        }
    }

    private static func isTime(_ text: String?) -> Bool { text.flatMap(Timestamp.init(iso8601:)) != nil }

    /// A space occurs in no source, which is a URI reference.
    private static func identity(_ source: String?, _ id: String?) -> String { "\(source ?? "") \(id ?? "")" }

    /// Data that is an object is the payload; other data is a member of it.
    private static func payload(
        _ data: JSONText.Value?, of body: JSONText, or encoded: JSONText.Value?
    ) -> ArraySlice<UInt8> {
        if let data, data.kind == .object { return body.raw(data) }
        var json = JSONBytes(capacity: 64)
        json.literal("{")
        if let data {
            json.literal(#""data":"#)
            json.raw(body.raw(data))
        } else if let encoded {
            json.literal(#""data_base64":"#)
            json.raw(body.raw(encoded))
        }
        json.literal("}")
        return json.bytes[...]
    }
}

extension String {
    /// The text with `%XX` decoded, which is how the binding carries what a header cannot; as it stands where
    /// that would not be UTF-8.
    fileprivate var removingPercentEscapes: String {
        guard contains("%") else { return self }
        var output: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"),
                let decoded = bytes(hexadecimal: String(decoding: rest.prefix(2), as: UTF8.self)), decoded.count == 1
            else {
                output.append(byte)
                continue
            }
            output += decoded
            rest = rest.dropFirst(2)
        }
        return String(validating: output, as: UTF8.self) ?? self
    }
}
