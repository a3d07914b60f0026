/// A durable queue of events: what every storage engine promises.
///
/// Each verb is one transaction. When it returns, what it did survives a kill of the process, and
/// power loss if the disk honours fsync; when it throws, it did nothing that anybody can rely on. The
/// conformance suite states the promises by number (DESIGN §6, I1–I12).
///
/// Every verb throws ``ProtocolRefusal`` for a request the protocol does not allow and ``StoreFailure``
/// when the engine cannot serve now.
public protocol EventStore: Sendable {
    /// Stores `event` unless its source already has an event with its idempotency key.
    ///
    /// - Throws: ``StoreFailure``; a retry then finds whatever the failed attempt left behind.
    func append(_ event: NewEvent) async throws -> Appended

    /// Stores `event` as ``append(_:)-(NewEvent)`` does, for a caller that has no task to suspend.
    ///
    /// An engine need not have it. One that does spares each request a task.
    ///
    /// - Parameter answer: Called once, on any thread; what comes next waits until it returns.
    func append(_ event: NewEvent, then answer: @escaping @Sendable (Result<Appended, any Error>) -> Void)

    /// Stores all of `events`, which came in one request, or none of them.
    ///
    /// - Returns: What became of each. After a ``Appended/conflict(_:)``, which is the last of them, nothing is
    ///   stored.
    /// - Throws: ``StoreFailure``, as ``append(_:)-(NewEvent)`` does.
    func append(_ events: [NewEvent]) async throws -> [Appended]

    /// Keeps a verified request that could not become an event, dropping the oldest beyond the bound.
    func quarantine(_ request: RejectedRequest) async throws

    /// What is kept of a source, or of all, the oldest first: at most `limit`, those behind `after`.
    ///
    /// - Throws: ``ProtocolRefusal/sourceUnknown`` for a source that is neither configured nor stored.
    func quarantined(of source: Source.ID?, after: Int64?, limit: Int) async throws -> [QuarantinedRequest]

    /// One kept request; `nil` when there is none of this number.
    func quarantined(_ id: Int64) async throws -> QuarantinedRequest?

    /// Stores the events that a kept request has become after all, records the order, and keeps it no longer: all
    /// of it, or nothing.
    ///
    /// - Returns: What became of each event, as ``append(_:)-([NewEvent])`` does; a conflict keeps the request.
    ///   `nil` when there is no request of this number any more.
    func release(_ order: QuarantinedRequest.Retry, as events: [NewEvent]) async throws -> [Appended]?

    /// Records that a retry was refused; from now on the request is kept for what refused it.
    ///
    /// A refusal that repeats the one before, by the same actor for the same reasons, is recorded once.
    ///
    /// - Returns: Whether there was a request of this number.
    func refuse(_ order: QuarantinedRequest.Retry, as refusal: QuarantinedRequest.Refusal) async throws -> Bool

    /// Keeps a request no longer, and records the order.
    ///
    /// - Returns: Whether there was one.
    func discard(_ order: QuarantinedRequest.Discard) async throws -> Bool

    /// What was ordered about a request, the oldest order first, also when it is not kept any more.
    func quarantineOrders(about request: Int64) async throws -> [QuarantinedRequest.Order]

    /// Opens a session and fences the one before; the consumer comes into being if it is new.
    func openSession(_ request: SessionRequest) async throws -> Session.ID

    /// Ends a session in good order; closing a closed one again changes nothing.
    func closeSession(_ session: Session.ID, of cursor: Cursor.Key) async throws

    /// Hands the next events to the consumer, or the last batch again to a caller that never saved it.
    func poll(_ request: PollRequest) async throws -> PollAnswer

    /// Records outcomes; the first for an emission wins.
    ///
    /// - Parameter session: The session that was handed the events; `nil` means each one's latest emission.
    func settle(_ reports: [OutcomeReport], of cursor: Cursor.Key, session: Session.ID?) async throws
        -> Settlement

    /// Lets the next poll go on whatever it presents; the consumer comes into being if it is new.
    func resume(_ order: ResumeOrder) async throws -> ResumeOrder.Receipt

    /// Records an order to emit events again and queues them before new ones.
    func replay(_ order: Replay.Order) async throws -> Replay.Receipt

    /// Forgets a consumer that is gone for good, so that retention no longer waits for it; recorded.
    ///
    /// What it had not finished is settled as dropped, and its open sessions are fenced, if the order allows it. Its name may be taken by a new consumer, which begins
    /// like any other.
    func dropConsumer(_ order: ConsumerDrop) async throws -> ConsumerDrop.Receipt

    /// Removes some of what `retention` no longer keeps, in transactions so short that appends hardly wait.
    ///
    /// Calling it again goes on; ``Pruned/isDone`` says when there is nothing left.
    func prune(_ retention: Retention) async throws -> Pruned

    /// What ``prune(_:)`` would do, called until it is done.
    func forecastPrune(_ retention: Retention) async throws -> PruneForecast

    /// Stores events that were stored elsewhere before, in this order, all in one transaction.
    ///
    /// - Returns: What became of each, in the order of `events`.
    func importEvents(_ events: [ImportedEvent]) async throws -> [Imported]

    /// Declares in doubt what settling sessions left unsettled for too long.
    ///
    /// The service calls it periodically; nothing else depends on how often.
    ///
    /// - Returns: How many events became `in_doubt`.
    @discardableResult
    func judgeOverdue() async throws -> Int

    /// Records which secrets the sources are configured with now, by their key ids.
    ///
    /// What is new since the last call is recorded as configured now, what is missing as dropped now; the same again
    /// records nothing.
    ///
    /// - Parameter uses: Everything that is in use: a source that has none here has no secret any more.
    /// - Returns: What was recorded.
    @discardableResult
    func recordSecrets(_ uses: [Secret.Use]) async throws -> Secret.Changes

    /// Every recorded time of use of a secret, in the order in which they began.
    func secretHistory() async throws -> [Secret.Period]

    /// Counts and positions of every source and consumer, in constant time for any number of events.
    func status() async throws -> QueueStatus

    /// The state of one event for one consumer; `nil` when no such event is stored.
    func state(of event: Event.ID, for consumer: Consumer.ID) async throws -> Event.State?

    /// Lists events with their states.
    func events(_ query: EventQuery) async throws -> EventPage

    /// Everything about one event; `nil` when no such event is stored.
    func event(_ id: Event.ID) async throws -> EventRecord?

    /// The replays of a source, of a consumer or of all, the newest first, at most `limit`.
    func replays(of source: Source.ID?, for consumer: Consumer.ID?, limit: Int) async throws -> [ReplayRecord]

    /// One replay and its first events by `seq`, at most ``Limits/pageRowsMax``; `nil` when there is none of
    /// this name.
    func replay(_ id: Replay.ID) async throws -> (record: ReplayRecord, members: [ReplayRecord.Member])?
}

extension EventStore {
    public func append(
        _ event: NewEvent, then answer: @escaping @Sendable (Result<Appended, any Error>) -> Void
    ) {
        Task {
            do {
                answer(.success(try await append(event)))
            } catch {
                answer(.failure(error))
            }
        }
    }
}

/// What an append did.
public enum Appended: Sendable, Equatable {
    /// The event is stored under this id.
    case stored(Event.ID)
    /// The same delivery was stored before, under this id.
    case duplicate(Event.ID)
    /// The idempotency key belongs to an event with another body.
    case conflict(Event.ID)
}

/// Why an engine cannot serve a request now, named for what the caller can do.
public enum StoreFailure: Error, Sendable, Equatable {
    /// The disk, or what is left of it above the configured floor, is full: retry later.
    case diskFull(String)
    /// The queue holds as many events or bytes as it may: retry after some were consumed and pruned.
    case overQuota(String)
    /// The service is stopping or the database is locked by somebody else: retry.
    case unavailable(String)
    /// The content of the database is damaged: nothing is taken in or handed over until an operator acts.
    case damaged(String)
    /// The file handle cannot be trusted any more: the service must end and be started again.
    case broken(String)

    /// What happened and what mends it, for a log line; never holds a body or a secret.
    public var explanation: String {
        switch self {
        case .diskFull(let text), .overQuota(let text), .unavailable(let text), .damaged(let text),
            .broken(let text):
            text
        }
    }

    /// The stable code for metrics and answers.
    public var code: String {
        switch self {
        case .diskFull: "disk_full"
        case .overQuota: "over_quota"
        case .unavailable: "unavailable"
        case .damaged: "damaged"
        case .broken: "broken"
        }
    }
}
