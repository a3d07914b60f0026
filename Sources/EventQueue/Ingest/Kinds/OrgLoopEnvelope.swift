/// A finished OrgLoop event, posted by a sender that knows OrgLoop.
///
/// It gets an id of the queue, because ids are ordered by time here; the sender's own id is its idempotency
/// key. A trace id is left out: OrgLoop takes a repeated one for a loop.
struct OrgLoopReport {
    let body: JSONText
    let kind: Event.Kind

    /// - Throws: ``Rejection/missingField(name:detail:)`` for what OrgLoop's own validation asks for.
    init(_ body: JSONText) throws(Rejection) {
        self.body = body
        guard let kind = body["type"].flatMap(body.string).flatMap(Event.Kind.init(rawValue:)) else {
            let kinds = Event.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw .missingField(name: "type", detail: "type must be one of \(kinds)")
        }
        self.kind = kind
        guard body.value(at: ["provenance", "platform"])?.kind == .string else {
            throw .missingField(name: "provenance.platform", detail: "provenance.platform must be a string")
        }
        if let payload = body["payload"], payload.kind != .object {
            throw .missingField(name: "payload", detail: "payload must be an object")
        }
    }

    func draft(receivedAt: Timestamp) -> EventDraft {
        let sent = body["timestamp"].flatMap { body.string($0).flatMap(Timestamp.init(iso8601:)) == nil ? nil : $0 }
        let platformEvent = body.value(at: ["provenance", "platform_event"]).flatMap(body.string)
        return EventDraft(
            kind: kind, platformEvent: platformEvent ?? "unknown",
            timestamp: sent.map(body.raw) ?? receivedAt.json,
            provenance: body["provenance"].map(body.raw) ?? [],
            payload: body["payload"].map(body.raw) ?? ArraySlice("{}".utf8),
            deliveryID: body["id"].flatMap(body.string))
    }
}
