/// Which events to list, for people and tools that look at the queue without reading from it.
public struct EventQuery: Sendable, Equatable {
    /// From which end of the queue a page is taken; it is always listed in `seq` order.
    public enum End: Sendable, Equatable {
        /// The first events behind this sequence; `nil` starts with the oldest.
        case after(Event.Sequence?)
        /// The newest events.
        case last
    }

    public var source: Source.ID?
    public var consumer: Consumer.ID?
    public var state: Event.State?
    public var kind: Event.Kind?
    /// Received at or after this time.
    public var since: Timestamp?
    /// Received before this time.
    public var until: Timestamp?
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
    public let sequence: Event.Sequence
    public let id: String
    public let source: String
    public let type: String
    public let platformEvent: String
    public let receivedAt: String
    public let verification: String
    public let idempotencyKey: String?
    /// `nil` while nobody reads the source.
    public let consumer: String?
    public let state: String
    public let emissions: Int
    public let drainedAt: String?
    public let confirmedAt: String?
    public let settledAt: String?
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
        public let state: String
        public let emissions: [EmissionRecord]

        public init(consumer: String?, state: String, emissions: [EmissionRecord]) {
            self.consumer = consumer
            self.state = state
            self.emissions = emissions
        }
    }

    public let sequence: Event.Sequence
    public let id: String
    public let source: String
    public let type: String
    public let platformEvent: String
    public let receivedAt: String
    /// The stored bytes; `nil` once retention has thinned the event.
    public let envelope: [UInt8]?
    public let envelopeFingerprint: Fingerprint?
    public let verification: String
    public let keyID: String?
    public let idempotencyKey: String?
    /// The allow-listed headers, a JSON object.
    public let headersJSON: String
    public let bodyFingerprint: Fingerprint?
    /// How often the same delivery came again.
    public let duplicates: Int
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
    public let number: Int
    /// `nil` for what was never sent.
    public let batch: Batch.Number?
    public let session: String?
    public let drainedAt: String?
    public let confirmedAt: String?
    public let inDoubtAt: String?
    public let settledAt: String?
    public let outcome: String?
    public let detail: String?
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
        public let event: String
        /// `nil` while it waits to be handed over.
        public let emission: Int?
        public let state: String

        public init(event: String, emission: Int?, state: String) {
            self.event = event
            self.emission = emission
            self.state = state
        }
    }

    public let id: String
    public let consumer: String
    public let source: String
    public let actor: String
    public let reason: String
    public let requestedAt: String
    /// What was selected, a JSON object.
    public let selection: String
    public let events: Int
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
