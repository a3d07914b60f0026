/// How long events are kept once nobody needs them any more.
///
/// An event is needed while a registered consumer has not confirmed it, while nobody can tell what became of
/// it (`in_doubt`), and while a replay of it waits: none of the bounds touches it then.
public struct Retention: Sendable, Hashable {
    /// Deletes events this long after every consumer has settled or confirmed them; `nil` keeps them.
    public var keep: Duration?
    /// Drops body and envelope this long after; id, hashes and idempotency key stay, so that a late repeat
    /// of a delivery is still recognised. `nil` keeps them.
    public var thin: Duration?
    /// Deletes the oldest events that nobody needs while the database holds more than this; `nil` is no bound.
    public var bytesMax: Int64?

    public init(keep: Duration? = nil, thin: Duration? = nil, bytesMax: Int64? = nil) {
        self.keep = keep
        self.thin = thin
        self.bytesMax = bytesMax
    }

    /// Whether it keeps everything for ever.
    public var isEmpty: Bool { keep == nil && thin == nil && bytesMax == nil }
}

/// What a slice of pruning did.
public struct Pruned: Sendable, Equatable {
    public var deleted = 0
    public var thinned = 0
    /// Bytes given back to the file system.
    public var freedBytes: Int64 = 0
    /// Whether nothing is left to do at this time.
    public var isDone = false

    public init() {}
}

/// What pruning would do now.
public struct PruneForecast: Sendable, Equatable {
    /// How many events would be deleted.
    public var deletes = 0
    /// How many would lose body and envelope.
    public var thins = 0
    /// How many are old enough and stay, because a consumer still needs them or nobody reads their source.
    public var held = 0

    public init() {}
}

/// An operator's order to forget a consumer that is gone for good.
public struct ConsumerDrop: Sendable {
    /// What becomes of a session that is open: an engine may be running, or it was killed.
    public enum OpenSession: Sendable {
        /// The order is refused.
        case refuse
        /// The session is fenced.
        case fence
    }

    public let consumer: Consumer.ID
    /// Who orders it.
    public let actor: String
    /// Why.
    public let reason: String
    public let openSession: OpenSession

    public init(consumer: Consumer.ID, actor: String, reason: String, openSession: OpenSession = .refuse) {
        self.consumer = consumer
        self.actor = actor
        self.reason = reason
        self.openSession = openSession
    }

    /// What was given up with it.
    public struct Receipt: Sendable, Equatable {
        /// How many sources it read.
        public let sources: Int
        /// How many events it had not been handed.
        public let pending: Int
        /// How many it had been handed and not finished, as far as anybody knows.
        public let unfinished: Int

        public init(sources: Int, pending: Int, unfinished: Int) {
            self.sources = sources
            self.pending = pending
            self.unfinished = unfinished
        }
    }
}
