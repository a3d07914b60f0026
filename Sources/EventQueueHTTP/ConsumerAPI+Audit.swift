import EventQueue

/// The calls that only look.
extension ConsumerAPI {
    /// Answers a question; its caller has shown the token.
    func look(_ route: Route) async -> Answer {
        await worded {
            switch route {
            case .events(let query): try await events(query)
            case .event(let id): try await event(id)
            case .quarantine(let query): try await quarantine(query)
            case .quarantined(let id): try await quarantined(id)
            case .replays(let query): try await replays(query)
            case .replay(let id): try await replay(named: id)
            case .sources: try await status { [("sources", $0.sourcesJSON(at: $1))] }
            case .consumers: try await status { [("consumers", $0.consumersJSON(at: $1))] }
            case .status:
                try await status {
                    [
                        ("sources", $0.sourcesJSON(at: $1)), ("database_bytes", .integer($0.databaseBytes)),
                        ("wal_bytes", .integer($0.walBytes)),
                        ("configuration", reloads?.standing.json ?? .null),
                    ]
                }
            default: Self.notFound
            }
        }
    }

    private func events(_ query: Query) async throws -> Answer {
        let page = try await store.events(try Self.listing(query))
        return .json(
            200,
            [
                "events": .list(page.rows.map(\.json)),
                "next": page.next.map { .integer($0.rawValue) } ?? .null,
            ])
    }

    private static func listing(_ query: Query) throws(BadRequest) -> EventQuery {
        try query.check([
            "source", "state", "consumer", "type", "since", "until", "after", "last", "limit",
        ])
        let after = try query.value("after", "a sequence number") { Int64($0) }.map(Event.Sequence.init)
        let last = try query.value("last", "true or false") { Bool($0) } ?? false
        if last, after != nil { throw BadRequest(detail: "`last` and `after` exclude each other.") }
        var listing = EventQuery(end: last ? .last : .after(after), limit: try query.limit())
        listing.source = try query.value("source", nameForm) { Source.ID($0) }
        listing.consumer = try query.value("consumer", nameForm) { Consumer.ID($0) }
        listing.state = try query.value("state", oneOf(Event.State.self)) { Event.State(rawValue: $0) }
        listing.kind = try query.value("type", oneOf(Event.Kind.self)) { Event.Kind(rawValue: $0) }
        listing.since = try query.value("since", timeForm) { Timestamp(iso8601: $0) }
        listing.until = try query.value("until", timeForm) { Timestamp(iso8601: $0) }
        return listing
    }

    static let nameForm = "1 to 128 letters, digits, `-`, `_` and `.`"
    private static let timeForm = "an ISO 8601 time with a zone"

    private static func oneOf<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) -> String {
        "one of: " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private func event(_ text: String) async throws -> Answer {
        guard let id = Event.ID(text), let record = try await store.event(id) else {
            return Self.unknown(.eventUnknown, "Check the id; retention may have deleted the event.")
        }
        return .json(200, record.json)
    }

    private func replays(_ query: Query) async throws -> Answer {
        try query.check(["source", "consumer", "limit"])
        let records = try await store.replays(
            of: try query.value("source", Self.nameForm) { Source.ID($0) },
            for: try query.value("consumer", Self.nameForm) { Consumer.ID($0) }, limit: try query.limit())
        return .json(200, ["replays": .list(records.map { .object($0.members) })])
    }

    private func replay(named text: String) async throws -> Answer {
        guard let id = Replay.ID(text), let replay = try await store.replay(id) else {
            return Self.unknown(.replayUnknown, "orgloop-queue replay list shows those there are.")
        }
        let members = replay.members.map { member -> JSON in
            [
                "event_id": .text(member.event), "emission_no": member.emission.map { .integer($0) } ?? .null,
                "state": .text(member.state),
            ]
        }
        return .json(200, .object(replay.record.members + [("members", .list(members))]))
    }

    private static func unknown(_ refusal: ProtocolRefusal, _ mend: String) -> Answer {
        .problem(404, refusal.code, title: refusal.explanation, detail: mend)
    }

    private func status(
        _ members: (QueueStatus, Timestamp) -> [(name: String, value: JSON)]
    ) async throws -> Answer {
        .json(200, .object(members(try await store.status(), now())))
    }
}
