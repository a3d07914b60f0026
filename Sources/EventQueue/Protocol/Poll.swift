/// A caller's request for the next batch of one cursor.
public struct PollRequest: Sendable {
    public let cursor: Cursor.Key
    /// What the caller saved last, as it presented it; `nil` for a caller that has saved nothing.
    public let checkpoint: String?
    /// The session it polls in; `nil` for a plain caller.
    public let session: Session.ID?
    /// How many events it takes at most, 1 to ``Limits/batchEventsMax``.
    public let limit: Int

    /// An empty checkpoint counts as none, as it does for the engine.
    public init(
        cursor: Cursor.Key, checkpoint: String?, session: Session.ID? = nil,
        limit: Int = Limits.batchEventsDefault
    ) {
        precondition((1...Limits.batchEventsMax).contains(limit), "the caller checks the limit")
        self.cursor = cursor
        self.checkpoint = checkpoint?.isEmpty == true ? nil : checkpoint
        self.session = session
        self.limit = limit
    }
}

/// What a poll hands over. It is durable before it is returned.
public struct PollAnswer: Sendable, Equatable {
    /// The envelopes, ready to be sent: stored bytes, those of a replay with their replay named.
    public let envelopes: [[UInt8]]
    /// The checkpoint to save before the events are processed; `nil` while nothing was ever handed over.
    public let checkpoint: Checkpoint?
    /// Whether the caller got the batch before, by an answer that it never saved.
    public let resent: Bool
    public let warning: PollWarning?

    public init(
        envelopes: [[UInt8]], checkpoint: Checkpoint?, resent: Bool = false, warning: PollWarning? = nil
    ) {
        self.envelopes = envelopes
        self.checkpoint = checkpoint
        self.resent = resent
        self.warning = warning
    }
}

/// What a caller should know although its poll was answered.
public enum PollWarning: String, Sendable {
    /// The caller presented an older checkpoint, or none: nothing was emitted again (P3).
    case regressed = "checkpoint_regressed"
}

/// Decides what a poll does (DESIGN §6, P1–P4), from what was presented and where the cursor stands.
///
/// The rule has no I/O: an engine looks up the facts, asks, and carries the decision out in one
/// transaction.
public enum PollRule {
    /// What a consumer wants when its engine lost its checkpoint.
    public enum OnRegressed: String, Sendable, CaseIterable {
        /// Go on with the next batch; the last one's unfinished events become `in_doubt`.
        case resume
        /// Answer 409 until an operator resumes or replays.
        case refuse
    }

    /// A checkpoint as the engine recognises it.
    public enum Presented: Sendable, Equatable {
        /// T₀: the caller has saved nothing.
        case none
        /// Not a checkpoint of this database and cursor.
        case foreign
        /// A batch of this cursor; `issued` is false when no such batch has this nonce.
        case batch(Batch.Number, issued: Bool)
    }

    /// How far the last batch has come.
    public enum Standing: Sendable {
        /// Sent; nobody has presented its checkpoint yet.
        case outstanding
        /// Its checkpoint was presented.
        case confirmed
        /// A caller regressed past it before it was confirmed: it is never sent again.
        case abandoned
    }

    /// The facts of a cursor that a poll depends on.
    public struct Facts: Sendable {
        /// The last batch; `nil` before the first.
        public var last: (number: Batch.Number, standing: Standing)?
        /// Whether what was presented is, as text, what the poll that made the last batch presented.
        public var presentsOrigin: Bool
        /// Whether an operator's resume waits for this poll.
        public var resumeOrdered: Bool
        /// Whether replayed events wait, which answers a refusal as a resume does.
        public var replaysWaiting: Bool
        public var onRegressed: OnRegressed

        public init(
            last: (number: Batch.Number, standing: Standing)?, presentsOrigin: Bool,
            resumeOrdered: Bool, replaysWaiting: Bool, onRegressed: OnRegressed
        ) {
            self.last = last
            self.presentsOrigin = presentsOrigin
            self.resumeOrdered = resumeOrdered
            self.replaysWaiting = replaysWaiting
            self.onRegressed = onRegressed
        }
    }

    /// What the engine then does.
    public enum Decision: Sendable, Equatable {
        /// Confirm the last batch, if there is one, and make the next (P1).
        case advance
        /// Send the last batch again, byte for byte (P2).
        case resend
        /// Declare the last batch's unfinished events in doubt and make the next (P3, `resume`).
        case goOn
        /// Change nothing (P3 `refuse`, P4).
        case refuse(ProtocolRefusal)
    }

    public static func decide(_ presented: Presented, _ facts: Facts) -> Decision {
        guard let last = facts.last else {
            return facts.resumeOrdered ? .advance : decideBeforeFirstBatch(presented)
        }
        if presented == .batch(last.number, issued: true) { return .advance }
        if facts.presentsOrigin, last.standing == .outstanding { return .resend }
        if facts.resumeOrdered { return .advance }
        switch presented {
        case .foreign, .batch(...last.number, issued: false):
            return .refuse(.lineageMismatch)
        case .batch(let number, _) where number > last.number:
            return .refuse(.checkpointAhead)
        case .none, .batch:
            let goesOn = facts.onRegressed == .resume || facts.replaysWaiting
            return goesOn ? .goOn : .refuse(.checkpointRegressed)
        }
    }

    private static func decideBeforeFirstBatch(_ presented: Presented) -> Decision {
        switch presented {
        case .none: .advance
        case .foreign: .refuse(.lineageMismatch)
        case .batch: .refuse(.checkpointAhead)
        }
    }
}
