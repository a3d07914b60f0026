/// What there is to know about a queue at a glance.
public struct QueueStatus: Sendable, Equatable {
    /// One source and everybody who reads it.
    public struct SourceStatus: Sendable, Equatable {
        public let id: Source.ID
        /// How many events were ever stored.
        public let events: Int
        /// How many of them are kept; retention has deleted the others.
        public let held: Int
        public let lastReceivedAt: Timestamp?
        /// How many rejected requests are kept.
        public let quarantined: Int
        /// How many were dropped because the quarantine was full.
        public let quarantineDropped: Int
        public let cursors: [CursorStatus]

        public init(
            id: Source.ID, events: Int, held: Int, lastReceivedAt: Timestamp?, quarantined: Int,
            quarantineDropped: Int, cursors: [CursorStatus]
        ) {
            self.id = id
            self.events = events
            self.held = held
            self.lastReceivedAt = lastReceivedAt
            self.quarantined = quarantined
            self.quarantineDropped = quarantineDropped
            self.cursors = cursors
        }
    }

    /// One consumer's position in a source.
    public struct CursorStatus: Sendable, Equatable {
        public let consumer: Consumer.ID
        /// Events per state; a state without events is left out.
        public let counts: [Event.State: Int]
        /// When the oldest pending event was received.
        public let oldestPendingAt: Timestamp?
        /// The highest sequence that was handed over.
        public let position: Event.Sequence
        public let lastBatch: Batch.Number?
        /// The open session, or the last one.
        public let session: SessionStatus?

        public init(
            consumer: Consumer.ID, counts: [Event.State: Int], oldestPendingAt: Timestamp?,
            position: Event.Sequence, lastBatch: Batch.Number?, session: SessionStatus?
        ) {
            self.consumer = consumer
            self.counts = counts
            self.oldestPendingAt = oldestPendingAt
            self.position = position
            self.lastBatch = lastBatch
            self.session = session
        }
    }

    /// A session and how it stands.
    public struct SessionStatus: Sendable, Equatable {
        public let id: Session.ID
        public let engine: String
        public let settles: Bool
        public let openedAt: Timestamp
        /// `open`, `closed` or `fenced`.
        public let standing: String

        public init(id: Session.ID, engine: String, settles: Bool, openedAt: Timestamp, standing: String) {
            self.id = id
            self.engine = engine
            self.settles = settles
            self.openedAt = openedAt
            self.standing = standing
        }
    }

    public let sources: [SourceStatus]
    public let databaseBytes: Int64
    public let walBytes: Int64
    /// Bytes that may still be written beside the database; `nil` when nobody can tell.
    public let freeBytes: Int64?

    public init(sources: [SourceStatus], databaseBytes: Int64, walBytes: Int64, freeBytes: Int64?) {
        self.sources = sources
        self.databaseBytes = databaseBytes
        self.walBytes = walBytes
        self.freeBytes = freeBytes
    }
}
