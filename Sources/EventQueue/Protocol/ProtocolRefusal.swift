/// A request that the protocol refuses. It changed nothing (I12).
public enum ProtocolRefusal: String, Error, Sendable, CaseIterable {
    /// A session is open, and the caller named none.
    case sessionRequired = "session_required"
    /// No such session was opened for this consumer and source.
    case sessionUnknown = "session_unknown"
    /// The session was closed.
    case sessionClosed = "session_closed"
    /// A newer session was opened: this one never gets anything again.
    case sessionFenced = "session_fenced"
    /// The caller lost its checkpoint, and the consumer is configured to stop then.
    case checkpointRegressed = "checkpoint_regressed"
    /// The checkpoint is newer than this database, which was restored from an older backup, or the consumer was
    /// dropped since.
    case checkpointAhead = "checkpoint_ahead"
    /// The checkpoint is another database's, another source's or another consumer's.
    case lineageMismatch = "lineage_mismatch"
    /// Neither the configuration nor the database knows the source.
    case sourceUnknown = "unknown_source"
    /// Nobody reads the source under this name yet.
    case consumerUnknown = "unknown_consumer"
    /// The database holds no such event of this source.
    case eventUnknown = "unknown_event"
    /// No replay of this name was ever ordered.
    case replayUnknown = "unknown_replay"
    /// A session of the consumer is open: an engine may be running.
    case sessionOpen = "session_open"
    /// The selection of a replay has no event that could be emitted again.
    case nothingToReplay = "nothing_to_replay"
    /// The idempotency key of a replay names an order with another content.
    case idempotencyConflict = "idempotency_conflict"

    /// The stable code that callers may rely on.
    public var code: String { rawValue }

    /// What happened, for a person.
    public var explanation: String {
        switch self {
        case .sessionRequired: "A session is open for this consumer and source; polls must name it."
        case .sessionUnknown: "No such session was opened for this consumer and source."
        case .sessionClosed: "The session was closed."
        case .sessionFenced: "A newer session was opened for this consumer and source."
        case .checkpointRegressed:
            "The checkpoint is older than the last batch: the engine lost what it had saved."
        case .checkpointAhead:
            "The checkpoint is newer than what this database knows: a backup was restored, or the consumer dropped."
        case .lineageMismatch:
            "The checkpoint was not issued by this database for this consumer and source."
        case .sourceUnknown: "No such source is configured or stored."
        case .consumerUnknown: "No such consumer reads this source."
        case .eventUnknown: "No such event of this source is stored."
        case .replayUnknown: "No replay of this name was ordered."
        case .sessionOpen: "A session of this consumer is open: its engine may be running."
        case .nothingToReplay: "The selection holds no event that can be emitted again."
        case .idempotencyConflict: "The idempotency key was used for another order."
        }
    }

    /// What the caller or its operator can do about it.
    public func mend(for cursor: Cursor.Key) -> String {
        switch self {
        case .sessionRequired, .sessionClosed, .sessionUnknown:
            "Open a session and poll with it."
        case .sessionFenced:
            "Stop this engine, or open a new session if it is the one that should read."
        case .checkpointRegressed: "Check which checkpoint is the right one, then run: \(Self.resume(cursor))"
        case .checkpointAhead, .lineageMismatch:
            "Check which database is the right one, then run: \(Self.resume(cursor)). What this database does not know "
                + "as handed over comes as new; --skip-through EVENT_ID passes over what the engine has had."
        case .sourceUnknown: "Name a source of the configuration: orgloop-queue status lists them."
        case .consumerUnknown: "Poll or open a session first: orgloop-queue status lists the consumers."
        case .eventUnknown: "Check the id, and that the event belongs to this source."
        case .replayUnknown: "orgloop-queue replay list shows those there are."
        case .sessionOpen: "Stop the engine first."
        case .nothingToReplay: "Pending and outstanding events are handed over without a replay."
        case .idempotencyConflict: "Use a new key for a new order."
        }
    }

    private static func resume(_ cursor: Cursor.Key) -> String {
        "orgloop-queue resume \(cursor.source) --consumer \(cursor.consumer) --reason '…'"
    }
}
