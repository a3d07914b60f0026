public import EventQueue
extension SQLiteEventStore {
    public func dropConsumer(_ order: ConsumerDrop) async throws -> ConsumerDrop.Receipt { throw StoreFailure.unavailable("soon") }
    public func prune(_ retention: Retention) async throws -> Pruned { throw StoreFailure.unavailable("soon") }
    public func forecastPrune(_ retention: Retention) async throws -> PruneForecast { throw StoreFailure.unavailable("soon") }
    public func events(_ query: EventQuery) async throws -> EventPage { throw StoreFailure.unavailable("soon") }
    public func event(_ id: Event.ID) async throws -> EventRecord? { throw StoreFailure.unavailable("soon") }
    public func replays(of source: Source.ID?, for consumer: Consumer.ID?, limit: Int) async throws -> [ReplayRecord] { throw StoreFailure.unavailable("soon") }
    public func replay(_ id: Replay.ID) async throws -> (record: ReplayRecord, members: [ReplayRecord.Member])? { throw StoreFailure.unavailable("soon") }
}
