import EventQueue

extension EventRow {
    /// A row of a listing.
    var json: JSON {
        [
            "seq": .integer(sequence.rawValue), "id": .text(id), "source": .text(source), "type": .text(type),
            "platform_event": .text(platformEvent), "received_at": .text(receivedAt),
            "verification": .text(verification), "idempotency_key": .textOrNull(idempotencyKey),
            "consumer": .textOrNull(consumer), "state": .text(state), "emissions": .integer(emissions),
            "drained_at": .textOrNull(drainedAt), "confirmed_at": .textOrNull(confirmedAt),
            "settled_at": .textOrNull(settledAt), "outcome": .textOrNull(outcome),
        ]
    }
}

extension EventRecord {
    /// Everything about an event, its envelope as it is stored.
    var json: JSON {
        [
            "seq": .integer(sequence.rawValue), "source": .text(source), "type": .text(type),
            "platform_event": .text(platformEvent), "received_at": .text(receivedAt),
            "event": storedEnvelope, "thinned": .bool(envelope == nil),
            "envelope_sha256": .textOrNull(envelopeFingerprint?.description),
            "request": [
                "verification": .text(verification), "key_id": .textOrNull(keyID),
                "idempotency_key": .textOrNull(idempotencyKey), "headers": .stored(Array(headersJSON.utf8)),
                "body_sha256": .textOrNull(bodyFingerprint?.description), "duplicates": .integer(duplicates),
            ],
            "consumers": .list(readings.map(\.json)),
            "replays": .list(replays.map { .object($0.members) }),
        ]
    }

    /// A damaged envelope may be no JSON any more, and would break the answer; it is shown as `null`.
    private var storedEnvelope: JSON {
        guard let envelope, Fingerprint(of: envelope) == envelopeFingerprint else { return .null }
        return .stored(envelope)
    }
}

extension EventRecord.Reading {
    fileprivate var json: JSON {
        [
            "consumer": .textOrNull(consumer), "state": .text(state),
            "emissions": .list(emissions.map(\.json)),
        ]
    }
}

extension EmissionRecord {
    fileprivate var json: JSON {
        [
            "emission_no": .integer(number), "batch": batch.map { .integer($0.rawValue) } ?? .null,
            "session": .textOrNull(session), "drained_at": .textOrNull(drainedAt),
            "confirmed_at": .textOrNull(confirmedAt), "in_doubt_at": .textOrNull(inDoubtAt),
            "settled_at": .textOrNull(settledAt), "outcome": .textOrNull(outcome),
            "detail": .textOrNull(detail), "replay_id": .textOrNull(replay),
        ]
    }
}

extension ReplayRecord {
    /// The order and how far it has got.
    var members: [(name: String, value: JSON)] {
        [
            ("id", .text(id)), ("consumer", .text(consumer)), ("source", .text(source)),
            ("actor", .text(actor)), ("reason", .text(reason)), ("requested_at", .text(requestedAt)),
            ("selection", .stored(Array(selection.utf8))), ("events", .integer(events)),
            ("skipped", .integer(skipped)), ("emitted", .integer(emitted)), ("waiting", .integer(waiting)),
        ]
    }
}
