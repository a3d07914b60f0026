/// A request to become the one engine process that reads a cursor.
public struct SessionRequest: Sendable {
    /// Where a consumer that reads a source for the first time begins.
    public enum Start: String, Sendable {
        /// With the oldest stored event.
        case beginning
        /// With the next event that arrives.
        case now
    }

    public let cursor: Cursor.Key
    /// Who opens it, for the audit: host and process, say.
    public let engine: String
    /// Whether the engine will report outcomes.
    public let settles: Bool
    public let start: Start

    public init(cursor: Cursor.Key, engine: String, settles: Bool, start: Start = .beginning) {
        self.cursor = cursor
        self.engine = engine
        self.settles = settles
        self.start = start
    }
}

/// An operator's recorded answer to a refused checkpoint.
///
/// A consumer that the database does not know, because it was dropped or a backup was restored, comes into
/// being with it: whoever still has its checkpoint could not begin by polling.
public struct ResumeOrder: Sendable {
    public let cursor: Cursor.Key
    /// Who orders it.
    public let actor: String
    /// Why.
    public let reason: String
    /// The last event to pass over, if any; those passed over are settled as dropped.
    public let skipThrough: Event.ID?

    public init(cursor: Cursor.Key, actor: String, reason: String, skipThrough: Event.ID? = nil) {
        self.cursor = cursor
        self.actor = actor
        self.reason = reason
        self.skipThrough = skipThrough
    }

    /// What became of the order.
    public struct Receipt: Sendable, Equatable {
        /// How many events were passed over.
        public let passedOver: Int
        /// Whether the consumer reads the source for the first time, from the oldest event that is kept.
        public let isNewReader: Bool

        public init(passedOver: Int, isNewReader: Bool) {
            self.passedOver = passedOver
            self.isNewReader = isNewReader
        }
    }
}

/// A recorded order (who, why, when, which events) to emit again.
public enum Replay {
    /// What a consumer wants done with events of which nobody can tell whether its engine finished them.
    public enum WhenInDoubt: String, Sendable, CaseIterable {
        /// They wait for an operator's replay.
        case hold
        /// They are replayed, on record, when the next session opens.
        case replay
    }

    /// Which events of a source.
    public enum Selection: Sendable, Hashable {
        case events([Event.ID])
        case inDoubt
        case sequences(ClosedRange<Event.Sequence>)
        /// Received at or after the first and before the second.
        case received(Range<Timestamp>)
        case batch(Batch.Number)
    }

    /// The order as it is given.
    public struct Order: Sendable {
        public let cursor: Cursor.Key
        public let actor: String
        public let reason: String
        public let selection: Selection
        /// Tells what would be emitted and records nothing.
        public let dryRun: Bool
        /// Makes an order that is sent twice one order.
        public let idempotencyKey: String?

        public init(
            cursor: Cursor.Key, actor: String, reason: String, selection: Selection,
            dryRun: Bool = false, idempotencyKey: String? = nil
        ) {
            self.cursor = cursor
            self.actor = actor
            self.reason = reason
            self.selection = selection
            self.dryRun = dryRun
            self.idempotencyKey = idempotencyKey
        }
    }

    /// What became of an order.
    public struct Receipt: Sendable, Equatable {
        /// `nil` for a dry run.
        public let id: Replay.ID?
        /// How many events are, or would be, emitted again.
        public let events: Int
        /// How many of the selection are not, because they are handed over without a replay.
        public let skipped: Int
        /// The first of them by `seq`, at most ``Limits/replayPreviewMax``.
        public let preview: [Event.ID]

        public init(id: Replay.ID?, events: Int, skipped: Int, preview: [Event.ID]) {
            self.id = id
            self.events = events
            self.skipped = skipped
            self.preview = preview
        }
    }
}
