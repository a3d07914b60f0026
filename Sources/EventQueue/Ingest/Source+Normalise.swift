extension Source {
    /// Makes the event that a verified request stands for.
    ///
    /// Values of the request are copied into the envelope as the bytes they were sent as, so numbers,
    /// escapes and the order of members survive. The same request and id always make the same envelope.
    ///
    /// - Throws: ``Rejection`` when the body is not a JSON object or lacks a required field.
    public func normalise(_ request: VerifiedRequest, id: Event.ID) throws(Rejection) -> NewEvent {
        event(try draft(request), from: request, id: id)
    }

    func event(_ draft: EventDraft, from request: VerifiedRequest, id: Event.ID) -> NewEvent {
        NewEvent(
            source: self.id, id: id, kind: draft.kind, platformEvent: draft.platformEvent,
            request: request.identified(by: draft.deliveryID, isDecisive: draft.isDeliveryIDDecisive),
            envelope: draft.envelope(source: self.id, id: id), isHook: draft.isHook)
    }

    private func draft(_ request: VerifiedRequest) throws(Rejection) -> EventDraft {
        let time = request.receivedAt
        if kind == .cloudEvents, CloudEvent.mode(request.headers) == .binary {
            // Its data may be any JSON, and there may be none.
            let data = request.body.isEmpty ? nil : try Self.parse(request.body)
            return try CloudEvent(binary: data, headers: request.headers).draft(receivedAt: time)
        }
        let body = try Self.parseObject(request.body)
        return switch kind {
        case .session(let agent): try SessionReport(body, requiring: agent.required).draft(of: agent, receivedAt: time)
        case .github: try GitHubReport(body, headers: request.headers).draft(receivedAt: time)
        case .linear: try LinearReport(body).draft(receivedAt: time)
        case .orgLoopEvent: try OrgLoopReport(body).draft(receivedAt: time)
        case .cloudEvents: try CloudEvent(structured: body).draft(receivedAt: time)
        case .webhook(let path): .webhook(body, eventTypeField: path, receivedAt: time)
        }
    }

    static func parse(_ body: [UInt8]) throws(Rejection) -> JSONText {
        do {
            return try JSONText(body)
        } catch {
            throw .invalidJSON(detail: "\(error)")
        }
    }

    static func parseObject(_ body: [UInt8]) throws(Rejection) -> JSONText {
        let text = try parse(body)
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
    let timestamp: ArraySlice<UInt8>
    /// A JSON object.
    let provenance: ArraySlice<UInt8>
    /// A JSON object.
    let payload: ArraySlice<UInt8>
    var isHook = false
    /// What the body calls the delivery; it counts when the request has no idempotency key.
    var deliveryID: String?
    /// Whether it counts beside an idempotency key, too.
    var isDeliveryIDDecisive = false

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
