import EventQueue
import Synchronization

/// A real store whose writes fail as a full disk or a damaged file makes them fail.
struct FailingStore: EventStore {
    /// Asked for states only.
    let store: (any EventStore)?
    let failure: StoreFailure
    /// Where appends wait until a test decides about them, instead of failing at once.
    var held: HeldAppends?

    func append(_ event: NewEvent) async throws -> Appended { throw failure }
    func append(_ event: NewEvent, then answer: @escaping HeldAppends.Receipt) {
        if let held { held.add(event, answer) } else { answer(.failure(failure)) }
    }
    func append(_ events: [NewEvent]) async throws -> [Appended] { throw failure }
    func quarantine(_ request: RejectedRequest) async throws { throw failure }
    func quarantined(of source: Source.ID?, after: Int64?, limit: Int) async throws -> [QuarantinedRequest] {
        throw failure
    }
    func quarantined(_ id: Int64) async throws -> QuarantinedRequest? { throw failure }
    func release(_ order: QuarantinedRequest.Retry, as events: [NewEvent]) async throws -> [Appended]? { throw failure }
    func refuse(_ order: QuarantinedRequest.Retry, as refusal: QuarantinedRequest.Refusal) async throws -> Bool {
        throw failure
    }
    func discard(_ order: QuarantinedRequest.Discard) async throws -> Bool { throw failure }
    func quarantineOrders(about request: Int64) async throws -> [QuarantinedRequest.Order] { throw failure }
    func openSession(_ request: SessionRequest) async throws -> Session.ID { throw failure }
    func closeSession(_ session: Session.ID, of cursor: Cursor.Key) async throws { throw failure }
    func poll(_ request: PollRequest) async throws -> PollAnswer { throw failure }
    func settle(
        _ reports: [OutcomeReport], of cursor: Cursor.Key, session: Session.ID?
    ) async throws -> Settlement { throw failure }
    func resume(_ order: ResumeOrder) async throws -> ResumeOrder.Receipt { throw failure }
    func replay(_ order: Replay.Order) async throws -> Replay.Receipt { throw failure }
    func dropConsumer(_ order: ConsumerDrop) async throws -> ConsumerDrop.Receipt { throw failure }
    func prune(_ retention: Retention) async throws -> Pruned { throw failure }
    func forecastPrune(_ retention: Retention) async throws -> PruneForecast { throw failure }
    func importEvents(_ events: [ImportedEvent]) async throws -> [Imported] { throw failure }
    func events(_ query: EventQuery) async throws -> EventPage { throw failure }
    func event(_ id: Event.ID) async throws -> EventRecord? { throw failure }
    func replays(of source: Source.ID?, for consumer: Consumer.ID?, limit: Int) async throws -> [ReplayRecord] {
        throw failure
    }
    func replay(_ id: Replay.ID) async throws -> (record: ReplayRecord, members: [ReplayRecord.Member])? {
        throw failure
    }
    func judgeOverdue() async throws -> Int { throw failure }
    func recordSecrets(_ uses: [Secret.Use]) async throws -> Secret.Changes { throw failure }
    func secretHistory() async throws -> [Secret.Period] { throw failure }
    func status() async throws -> QueueStatus { throw failure }
    func state(of event: Event.ID, for consumer: Consumer.ID) async throws -> Event.State? {
        guard let store else { throw failure }
        return try await store.state(of: event, for: consumer)
    }
}

/// Appends whose commit has not come yet.
final class HeldAppends: Sendable {
    typealias Receipt = @Sendable (Result<Appended, any Error>) -> Void

    private let waiting = Mutex<[(event: NewEvent, receipt: Receipt)]>([])

    /// The bodies of the events that wait.
    var bodies: [String] {
        waiting.withLock { $0.map { String(decoding: $0.event.request.body, as: UTF8.self) } }
    }

    func add(_ event: NewEvent, _ receipt: @escaping Receipt) {
        waiting.withLock { $0.append((event, receipt)) }
    }

    /// Commits everything that waits.
    func commit() {
        for (event, receipt) in take() { receipt(.success(.stored(event.id))) }
    }

    /// Lets everything fail that waits.
    func fail(_ failure: StoreFailure) {
        for (_, receipt) in take() { receipt(.failure(failure)) }
    }

    private func take() -> [(event: NewEvent, receipt: Receipt)] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
