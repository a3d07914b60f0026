/// The bounds that hold everywhere, each with its reason; those a user may move are in ``Limits/Settings``.
public enum Limits {
    /// A poll takes this many events unless it says otherwise: an engine handles some 100 to 300 a second.
    public static let batchEventsDefault = 100
    /// A larger batch freezes the engine's own HTTP server while it is parsed.
    public static let batchEventsMax = 1000
    /// A batch ends early beyond this, so that an answer of large events still fits in memory many times.
    public static let batchBytesMax = 8 << 20
    /// A longer wait outlives the idle timeouts of common proxies.
    public static let pollWaitMax: Duration = .seconds(30)
    /// OrgLoop's own depth is far below; a deeper document is an attack on somebody's recursion.
    public static let jsonDepthMax = 64
    /// An envelope holds a payload, and that holds a CloudEvent's data which is no object and may be as deep as the
    /// limit.
    public static let envelopeDepthMax = jsonDepthMax + 2
    /// Room for a stack trace's head; the audit is not a log store.
    public static let detailLengthMax = 2000
    /// Longer than any sender's delivery id; keys stand in an index.
    public static let idempotencyKeyLengthMax = 256
    /// Claude's last message becomes a summary of at most this many characters.
    public static let summaryCharactersMax = 2000
    /// What a dry run of a replay lists.
    public static let replayPreviewMax = 100
    /// Rows of a listing unless it asks for more or fewer: a screen or two.
    public static let pageRowsDefault = 100
    /// Rows of a listing; a longer one is read in pages.
    public static let pageRowsMax = 1000
    /// Bytes of one import call, and so of one line: some seconds of a slow disk at the most.
    public static let importBytesMax = 4 << 20
    /// Lines of one import call: a transaction that short keeps no sender waiting.
    public static let importLinesMax = 500
    /// How a sender or a person was believed elsewhere: a scheme's name or a key's id.
    public static let verificationLengthMax = 64

    /// The limits that the configuration may move.
    public struct Settings: Sendable, Equatable {
        /// Largest request body in bytes.
        public var bodyBytesMax = 1 << 20
        /// Largest request head in bytes.
        public var headerBytesMax = 16 << 10
        /// Header fields of a request; senders and proxies together add some tens.
        public var headerFieldsMax = 100
        /// How long a sender may take for the head of a request.
        public var headTimeout: Duration = .seconds(5)
        /// How long a sender may take for the body of a request.
        public var bodyTimeout: Duration = .seconds(10)
        /// Open connections; a laptop has tens, and each costs a descriptor.
        public var connectionsMax = 256
        /// Bytes of bodies that are read or wait for their commit.
        public var inFlightBytesMax = 64 << 20
        /// Rejected requests that are kept; the oldest goes first.
        public var quarantineRowsMax = 10_000
        /// Bytes of rejected requests that are kept; the oldest goes first.
        public var quarantineBytesMax = 64 << 20
        /// Bytes that database and WAL may take before new events are refused.
        public var queueBytesMax = 64 << 30
        /// Events that may be stored before new ones are refused.
        public var queueEventsMax = 100_000_000
        /// Free space that is left to the rest of the machine, and to SQLite for finishing its work.
        public var freeBytesMin = 8 << 20
        /// WAL size from which the log warns: some reader has held an old snapshot for long.
        public var walBytesWarning = 256 << 20
        /// How long a settling session may leave an event unsettled before it is in doubt.
        public var settleAfterMax: Duration = .seconds(15 * 60)

        public init() {}

        /// Bytes of one import call: it grows with the bodies that are taken in, so that what one queue exports
        /// another one with the same limits imports.
        public var importBytesMax: Int {
            // A line holds the body and the envelope around it, each in base64, which takes a third more.
            max(Limits.importBytesMax, 3 * bodyBytesMax + (64 << 10))
        }
    }
}
