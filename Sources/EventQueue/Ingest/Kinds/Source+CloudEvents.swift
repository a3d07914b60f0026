extension Source {
    /// Makes the events that a verified request stands for: one, except for a batch of CloudEvents.
    ///
    /// - Parameter nextID: Called once for each event, in their order.
    /// - Throws: ``Rejection`` when any of them cannot be an event; there is all of a batch or nothing.
    public func normaliseAll(
        _ request: VerifiedRequest, nextID: () -> Event.ID
    ) throws(Rejection) -> [NewEvent] {
        guard kind == .cloudEvents, CloudEvent.mode(request.headers) == .batched else {
            return [try normalise(request, id: nextID())]
        }
        let batch = try Self.parse(request.body)
        guard batch.root.kind == .array else { throw .invalidJSON(detail: "a batch must be a JSON array") }
        let elements = batch.elements(of: batch.root)
        guard elements.count <= Limits.batchEventsMax else {
            throw .invalidJSON(detail: "a batch may have \(Limits.batchEventsMax) events")
        }
        var events: [NewEvent] = []
        var indices: [String: Int] = [:]
        for (index, element) in elements.enumerated() {
            do throws(Rejection) {
                let part = request.part(Array(batch.raw(element)))
                let draft = try CloudEvent(structured: try Self.parseObject(part.body)).draft(
                    receivedAt: part.receivedAt)
                let event = event(draft, from: part, id: nextID())
                let first = event.request.idempotencyKey.flatMap { indices[$0] }
                if let first, events[first].bodyFingerprint != event.bodyFingerprint {
                    throw Rejection.invalidJSON(detail: "it has the source and id of [\(first)], and other content")
                }
                if let key = event.request.idempotencyKey, first == nil { indices[key] = index }
                events.append(event)
            } catch {
                throw error.inElement(index)
            }
        }
        return events
    }
}

extension VerifiedRequest {
    /// One event of a request that held several.
    ///
    /// What was verified covers the whole of them, so the part cannot be verified again: its scheme says so.
    fileprivate func part(_ body: [UInt8]) -> VerifiedRequest {
        let scheme = Verifier.isUnsigned(scheme: verdict.scheme) ? verdict.scheme : verdict.scheme + Verifier.partSuffix
        return VerifiedRequest(
            body: body, receivedAt: receivedAt, key: key.ofPart,
            verdict: Verdict(scheme: scheme, keyID: verdict.keyID), headersJSON: headersJSON)
    }
}

extension Rejection {
    /// The same, told of one element of a batch.
    fileprivate func inElement(_ index: Int) -> Rejection {
        switch self {
        case .invalidJSON(let detail): .invalidJSON(detail: "[\(index)]: \(detail)")
        case .missingField(let name, let detail):
            .missingField(name: "[\(index)].\(name)", detail: "[\(index)]: \(detail)")
        case .missingHeader, .idempotencyConflict: self
        }
    }
}
