import EventQueue

/// One promise that every ``EventStore`` keeps, with the check that it does.
public struct Promise: Sendable, CustomStringConvertible {
    /// What is promised, with the number of its rule in the design.
    public let description: String
    private let body: @Sendable (any ConformanceHarness, ConformanceSetUp) async throws -> Void

    init(
        _ description: String,
        _ body: @escaping @Sendable (any ConformanceHarness, ConformanceSetUp) async throws -> Void
    ) {
        self.description = description
        self.body = body
    }

    /// Checks the promise on an empty store.
    ///
    /// - Throws: ``BrokenPromise``, or whatever the store threw.
    public func check(_ harness: any ConformanceHarness, _ setUp: ConformanceSetUp) async throws {
        try await body(harness, setUp)
    }

    /// All of them.
    public static let all: [Promise] =
        invariants + polling + sessions + settling + operating + housekeeping + audit + quarantine + secrets
}

extension ConformanceSetUp {
    /// A sender to the first source and a poller of it.
    func sides(consumer: Consumer.ID = .standard) -> (Sender, Poller) {
        (Sender(sources[0], clock), Poller(sources[0], consumer: consumer))
    }
}
