/// Which events to list, for people and tools that look at the queue without reading from it.
public struct EventQuery: Sendable, Equatable {
    /// From which end of the queue a page is taken; it is always listed in `seq` order.
    public enum End: Sendable, Equatable {
        /// The first events behind this sequence; `nil` starts with the oldest.
        case after(Event.Sequence?)
        /// The newest events.
        case last
    }

    /// Only events of this source.
    public var source: Source.ID?
    /// Only as this consumer stands to them.
    public var consumer: Consumer.ID?
    /// Only rows in this state.
    public var state: Event.State?
    /// Only events of this kind.
    public var kind: Event.Kind?
    /// Received at or after this time.
    public var since: Timestamp?
    /// Received before this time.
    public var until: Timestamp?
    /// Where the page begins.
    public var end: End
    /// How many rows at most, 1 to ``Limits/pageRowsMax``; the rows of one event are never separated, so a
    /// page may have a few more.
    public var limit: Int

    public init(end: End = .after(nil), limit: Int = Limits.pageRowsDefault) {
        precondition((1...Limits.pageRowsMax).contains(limit), "the caller checks the limit")
        self.end = end
        self.limit = limit
    }
}

/// A page of a listing.
public struct EventPage: Sendable, Equatable {
    /// One row per event and consumer, in `seq` order.
    public let rows: [EventRow]
    /// What to list after to go on; `nil` when nothing more is there.
    public let next: Event.Sequence?

    public init(rows: [EventRow], next: Event.Sequence?) {
        self.rows = rows
        self.next = next
    }
}

/// An event and where it stands for one consumer.
public struct EventRow: Sendable, Equatable {
    /// The event's place in the order of arrival.
    public let sequence: Event.Sequence
    /// The event's id.
    public let id: String
    /// The id of the source that sent it.
    public let source: String
    /// One of OrgLoop's event types: `actor.stopped` and its like.
    public let type: String
    /// What happened, in the words of the platform.
    public let platformEvent: String
    /// When it arrived: ISO 8601, UTC, as all times of a row.
    public let receivedAt: String
    /// The scheme by which the request was verified; `none` for an unsigned one.
    public let verification: String
    /// The sender's delivery id; `nil` for a request without one.
    public let idempotencyKey: String?
    /// `nil` while nobody reads the source.
    public let consumer: String?
    /// The raw value of its ``Event/State``.
    public let state: String
    /// How often the consumer was handed it.
    public let emissions: Int
    /// When its latest batch was made; `nil` before its first.
    public let drainedAt: String?
    /// When somebody presented the checkpoint of that batch.
    public let confirmedAt: String?
    /// When its outcome was reported.
    public let settledAt: String?
    /// The raw value of its ``Outcome``; `nil` while there is none.
    public let outcome: String?

    public init(
        sequence: Event.Sequence, id: String, source: String, type: String, platformEvent: String,
        receivedAt: String, verification: String, idempotencyKey: String?, consumer: String?, state: String,
        emissions: Int, drainedAt: String?, confirmedAt: String?, settledAt: String?, outcome: String?
    ) {
        self.sequence = sequence
        self.id = id
        self.source = source
        self.type = type
        self.platformEvent = platformEvent
        self.receivedAt = receivedAt
        self.verification = verification
        self.idempotencyKey = idempotencyKey
        self.consumer = consumer
        self.state = state
        self.emissions = emissions
        self.drainedAt = drainedAt
        self.confirmedAt = confirmedAt
        self.settledAt = settledAt
        self.outcome = outcome
    }
}

/// Everything the queue knows about one event.
public struct EventRecord: Sendable, Equatable {
    /// How the event stands for one consumer, with every handing-out.
    public struct Reading: Sendable, Equatable {
        /// `nil` while nobody reads the source.
        public let consumer: String?
        /// The raw value of its ``Event/State``.
        public let state: String
        /// Every handing-out, the first one first.
        public let emissions: [EmissionRecord]

        public init(consumer: String?, state: String, emissions: [EmissionRecord]) {
            self.consumer = consumer
            self.state = state
            self.emissions = emissions
        }
    }

    /// The event's place in the order of arrival.
    public let sequence: Event.Sequence
    /// The event's id.
    public let id: String
    /// The id of the source that sent it.
    public let source: String
    /// One of OrgLoop's event types: `actor.stopped` and its like.
    public let type: String
    /// What happened, in the words of the platform.
    public let platformEvent: String
    /// When it arrived: ISO 8601, UTC.
    public let receivedAt: String
    /// The stored bytes; `nil` once retention has thinned the event.
    public let envelope: [UInt8]?
    /// The SHA-256 that the envelope had when it was stored.
    public let envelopeFingerprint: Fingerprint?
    /// The scheme by which the request was verified; `none` for an unsigned one.
    public let verification: String
    /// Which of the source's secrets it was signed with; `nil` for an unsigned one.
    public let keyID: String?
    /// The sender's delivery id; `nil` for a request without one.
    public let idempotencyKey: String?
    /// The allow-listed headers, a JSON object.
    public let headersJSON: String
    /// The SHA-256 that the body had when it was stored.
    public let bodyFingerprint: Fingerprint?
    /// How often the same delivery came again.
    public let duplicates: Int
    /// How it stands for each consumer of its source.
    public let readings: [Reading]
    /// The replays that name the event.
    public let replays: [ReplayRecord]

    public init(
        sequence: Event.Sequence, id: String, source: String, type: String, platformEvent: String,
        receivedAt: String, envelope: [UInt8]?, envelopeFingerprint: Fingerprint?, verification: String,
        keyID: String?, idempotencyKey: String?, headersJSON: String, bodyFingerprint: Fingerprint?,
        duplicates: Int, readings: [Reading], replays: [ReplayRecord]
    ) {
        self.sequence = sequence
        self.id = id
        self.source = source
        self.type = type
        self.platformEvent = platformEvent
        self.receivedAt = receivedAt
        self.envelope = envelope
        self.envelopeFingerprint = envelopeFingerprint
        self.verification = verification
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
        self.headersJSON = headersJSON
        self.bodyFingerprint = bodyFingerprint
        self.duplicates = duplicates
        self.readings = readings
        self.replays = replays
    }
}

/// One handing-out of an event.
public struct EmissionRecord: Sendable, Equatable {
    /// 1 for the first handing-out; a replay makes the next.
    public let number: Int
    /// `nil` for what was never sent.
    public let batch: Batch.Number?
    /// The session that was handed it last; `nil` for a plain reader.
    public let session: String?
    /// When its batch was made.
    public let drainedAt: String?
    /// When somebody presented the checkpoint of the batch.
    public let confirmedAt: String?
    /// When it was put in doubt.
    public let inDoubtAt: String?
    /// When its outcome was reported.
    public let settledAt: String?
    /// The raw value of its ``Outcome``; `nil` while there is none.
    public let outcome: String?
    /// What was reported with the outcome.
    public let detail: String?
    /// The replay that ordered it; `nil` for a first one.
    public let replay: String?

    public init(
        number: Int, batch: Batch.Number?, session: String?, drainedAt: String?, confirmedAt: String?,
        inDoubtAt: String?, settledAt: String?, outcome: String?, detail: String?, replay: String?
    ) {
        self.number = number
        self.batch = batch
        self.session = session
        self.drainedAt = drainedAt
        self.confirmedAt = confirmedAt
        self.inDoubtAt = inDoubtAt
        self.settledAt = settledAt
        self.outcome = outcome
        self.detail = detail
        self.replay = replay
    }
}

/// A replay as it was ordered, and how far it has got.
public struct ReplayRecord: Sendable, Equatable {
    /// An event of a replay.
    public struct Member: Sendable, Equatable {
        /// The event's id.
        public let event: String
        /// `nil` while it waits to be handed over.
        public let emission: Int?
        /// How far this emission has come.
        public let state: String

        public init(event: String, emission: Int?, state: String) {
            self.event = event
            self.emission = emission
            self.state = state
        }
    }

    /// The replay's id.
    public let id: String
    /// Who gets the events again; a dropped consumer is followed by `#` and a number.
    public let consumer: String
    /// Whose events they are.
    public let source: String
    /// Who ordered it.
    public let actor: String
    /// Why.
    public let reason: String
    /// When it was ordered: ISO 8601, UTC.
    public let requestedAt: String
    /// What was selected, a JSON object.
    public let selection: String
    /// How many events it was to emit.
    public let events: Int
    /// How many of the selection it left out, because they are handed over without it.
    public let skipped: Int
    /// How many were handed over again.
    public let emitted: Int
    /// How many still wait; retention may have removed others since.
    public let waiting: Int

    public init(
        id: String, consumer: String, source: String, actor: String, reason: String, requestedAt: String,
        selection: String, events: Int, skipped: Int, emitted: Int, waiting: Int
    ) {
        self.id = id
        self.consumer = consumer
        self.source = source
        self.actor = actor
        self.reason = reason
        self.requestedAt = requestedAt
        self.selection = selection
        self.events = events
        self.skipped = skipped
        self.emitted = emitted
        self.waiting = waiting
    }
}
