extension Source {
    /// Makes the event that a verified request stands for.
    ///
    /// Values of the request are copied into the envelope as the bytes they were sent as, so numbers,
    /// escapes and the order of members survive. The same request and id always make the same envelope.
    ///
    /// - Throws: ``Rejection`` when the body is not a JSON object or lacks a required field.
    public func normalise(_ request: VerifiedRequest, id: Event.ID) throws(Rejection) -> NewEvent {
        let body = try Self.parse(request.body)
        let draft: EventDraft =
            switch kind {
            case .session(let agent):
                try SessionReport(body, requiring: agent.required).draft(of: agent, receivedAt: request.receivedAt)
            case .github:
                try GitHubReport(body, headers: request.headers).draft(receivedAt: request.receivedAt)
            case .linear: try LinearReport(body).draft(receivedAt: request.receivedAt)
            case .orgLoopEvent: try OrgLoopReport(body).draft(receivedAt: request.receivedAt)
            case .webhook(let path):
                .webhook(body, eventTypeField: path, receivedAt: request.receivedAt)
            }
        return NewEvent(
            source: self.id, id: id, kind: draft.kind, platformEvent: draft.platformEvent,
            request: request.identified(by: draft.deliveryID),
            envelope: draft.envelope(source: self.id, id: id), isHook: draft.isHook)
    }

    private static func parse(_ body: [UInt8]) throws(Rejection) -> JSONText {
        let text: JSONText
        do {
            text = try JSONText(body)
        } catch {
            throw .invalidJSON(detail: "\(error)")
        }
        guard text.root.kind == .object else {
            throw .invalidJSON(detail: "the body must be a JSON object")
        }
        return text
    }
}

/// What the formats decide about an event; the envelope around it is the same for all.
struct EventDraft {
    let kind: Event.Kind
    let platformEvent: String
    /// A JSON string, as it is sent.
    let timestamp: [UInt8]
    /// A JSON object.
    let provenance: [UInt8]
    /// A JSON object.
    let payload: ArraySlice<UInt8>
    var isHook = false
    /// What the body calls the delivery; it counts when the request has no idempotency key.
    var deliveryID: String?

    /// The OrgLoop event JSON.
    func envelope(source: Source.ID, id: Event.ID) -> [UInt8] {
        var json = JSONBytes(capacity: payload.count + provenance.count + 256)
        json.literal(#"{"id":"#)
        json.string(id.rawValue)
        json.literal(#","timestamp":"#)
        json.raw(timestamp)
        json.literal(#","source":"#)
        json.string(source.rawValue)
        json.literal(#","type":"#)
        json.string(kind.rawValue)
        json.literal(#","provenance":"#)
        json.raw(provenance)
        json.literal(#","payload":"#)
        json.raw(payload)
        json.literal("}")
        return json.bytes
    }
}
