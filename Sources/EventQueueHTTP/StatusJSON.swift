import EventQueue

extension QueueStatus {
    /// Every source with those who read it.
    func sourcesJSON(at now: Timestamp) -> JSON {
        .list(
            sources.map { source in
                [
                    "id": .text(source.id.rawValue), "events": .integer(source.events),
                    "held": .integer(source.held),
                    "last_received_at": .textOrNull(source.lastReceivedAt?.iso8601),
                    "quarantined": .integer(source.quarantined),
                    "quarantine_dropped": .integer(source.quarantineDropped),
                    "consumers": .list(
                        source.cursors.map {
                            .object([("id", .text($0.consumer.rawValue))] + $0.members(at: now))
                        }),
                ]
            })
    }

    /// Every consumer with what it reads.
    func consumersJSON(at now: Timestamp) -> JSON {
        let consumers = Set(sources.flatMap { $0.cursors.map(\.consumer) }).sorted()
        return .list(
            consumers.map { consumer in
                let read = sources.flatMap { source in
                    source.cursors.filter { $0.consumer == consumer }.map { (source.id, $0) }
                }
                return [
                    "id": .text(consumer.rawValue),
                    "sources": .list(
                        read.map { .object([("id", .text($0.rawValue))] + $1.members(at: now)) }),
                ]
            })
    }
}

extension QueueStatus.CursorStatus {
    /// How long the oldest pending event has waited; never negative, although the clock may jump.
    func oldestPendingAgeSeconds(at now: Timestamp) -> Int64? {
        oldestPendingAt.map { max(0, (now.milliseconds - $0.milliseconds) / 1000) }
    }

    fileprivate func members(at now: Timestamp) -> [(name: String, value: JSON)] {
        [
            ("counts", .object(Event.State.allCases.map { ($0.rawValue, .integer(counts[$0] ?? 0)) })),
            ("oldest_pending_at", .textOrNull(oldestPendingAt?.iso8601)),
            ("oldest_pending_age_seconds", oldestPendingAgeSeconds(at: now).map { .integer($0) } ?? .null),
            ("position", .integer(position.rawValue)),
            ("last_batch", lastBatch.map { .integer($0.rawValue) } ?? .null),
            ("session", session?.json ?? .null),
        ]
    }
}

extension QueueStatus.SessionStatus {
    fileprivate var json: JSON {
        [
            "id": .text(id.rawValue), "engine": .text(engine), "settles": .bool(settles),
            "opened_at": .text(openedAt.iso8601), "standing": .text(standing),
        ]
    }
}
