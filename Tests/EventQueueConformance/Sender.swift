import EventQueue

/// Makes events as a sender's requests would become them.
struct Sender: Sendable {
    private struct Headers: HeaderLookup {
        let key: String?

        func values(of name: String) -> [String] { name == "idempotency-key" ? [key].compactMap(\.self) : [] }
    }

    private let source: Source
    private let clock: MovedClock
    private let ids: EventIDGenerator

    init(_ source: Source.ID, _ clock: MovedClock) {
        self.source = Source(
            id: source, kind: .webhook(eventTypeField: ["type"]), verifier: Verifier(scheme: .none, secrets: []))
        self.clock = clock
        ids = EventIDGenerator(now: clock.source, after: nil)
    }

    var cursor: Source.ID { source.id }

    /// An event with this body, delivered under this key.
    func event(_ text: String, key: String? = nil) throws -> NewEvent {
        let request = Request(
            body: Array(#"{"type":"test","text":"\#(text)"}"#.utf8), headers: Headers(key: key),
            receivedAt: clock.now)
        return try source.normalise(source.verifier.verify(request), id: ids.next())
    }

    /// Stores `count` events and returns their ids in order.
    @discardableResult
    func send(_ count: Int, to store: any EventStore) async throws -> [Event.ID] {
        var stored: [Event.ID] = []
        for number in 0..<count {
            let event = try event("\(number)")
            try expectEqual(await store.append(event), .stored(event.id), "an append")
            stored.append(event.id)
        }
        return stored
    }
}

extension PollAnswer {
    /// The ids in the envelopes, in order.
    var ids: [Event.ID] {
        envelopes.compactMap { envelope in
            let text = String(decoding: envelope, as: UTF8.self)
            return Event.ID(String(text.dropFirst(#"{"id":""#.count).prefix { $0 != "\"" }))
        }
    }
}

/// A poller as the engine is one: it keeps what it saved and presents it.
struct Poller: Sendable {
    let cursor: Cursor.Key
    var session: Session.ID?
    var saved: String?

    init(_ source: Source.ID, consumer: Consumer.ID = .standard) {
        cursor = Cursor.Key(consumer: consumer, source: source)
    }

    /// Polls without saving anything, as when the answer is lost.
    func peek(_ store: any EventStore, limit: Int = 100) async throws -> PollAnswer {
        try await store.poll(PollRequest(cursor: cursor, checkpoint: saved, session: session, limit: limit))
    }

    /// Polls and saves the checkpoint.
    mutating func poll(_ store: any EventStore, limit: Int = 100) async throws -> PollAnswer {
        let answer = try await peek(store, limit: limit)
        saved = answer.checkpoint?.description ?? saved
        return answer
    }

    /// Opens a session and polls in it from now on.
    mutating func open(_ store: any EventStore, settles: Bool) async throws {
        session = try await store.openSession(
            SessionRequest(cursor: cursor, engine: "suite/1", settles: settles))
    }

    func settle(_ store: any EventStore, _ events: [Event.ID], as outcome: Outcome = .delivered) async throws
        -> Settlement
    {
        try await store.settle(
            events.map { OutcomeReport(eventID: $0.rawValue, outcome: outcome) }, of: cursor,
            session: session)
    }

    func states(_ store: any EventStore, of events: [Event.ID]) async throws -> [Event.State?] {
        var states: [Event.State?] = []
        for event in events { states.append(try await store.state(of: event, for: cursor.consumer)) }
        return states
    }
}
