extension EventDraft {
    /// A generic webhook: its payload is the body, byte for byte.
    static func webhook(
        _ body: JSONText, eventTypeField path: [String], receivedAt: Timestamp
    ) -> EventDraft {
        let named = body.value(at: path).flatMap { $0.kind == .string ? $0 : nil }
        var provenance = JSONBytes(capacity: 96)
        provenance.literal(#"{"platform":"webhook","platform_event":"#)
        if let named {
            provenance.raw(body.raw(named))
        } else {
            provenance.string(unknownEvent)
        }
        provenance.literal("}")
        return EventDraft(
            kind: .resourceChanged,
            platformEvent: named.flatMap(body.string) ?? unknownEvent,
            timestamp: receivedAt.json,
            provenance: provenance.bytes[...],
            payload: body.raw(body.root))
    }

    /// What a webhook is called that does not name its event.
    private static let unknownEvent = "unknown"
}
