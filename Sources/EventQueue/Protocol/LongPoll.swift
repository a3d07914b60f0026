/// Polls that wait: a consumer is answered within milliseconds of the commit that has something for it.
public struct LongPoll: Sendable {
    private let store: any EventStore
    private let doorbell: Doorbell

    /// - Parameter doorbell: The bell that `store` rings.
    public init(store: any EventStore, doorbell: Doorbell) {
        self.store = store
        self.doorbell = doorbell
    }

    /// Polls, and while there is nothing to hand over polls again at each ring until `wait` has passed.
    ///
    /// - Parameter wait: At most ``Limits/pollWaitMax``; zero polls once.
    /// - Throws: What ``EventStore/poll(_:)`` throws, also when the session is fenced during the wait.
    public func poll(_ request: PollRequest, wait: Duration) async throws -> PollAnswer {
        let deadline = ContinuousClock.now + wait
        while true {
            let ticket = doorbell.ticket(for: request.cursor.source)
            let answer = try await store.poll(request)
            let left = deadline - .now
            guard answer.envelopes.isEmpty, left > .zero, !Task.isCancelled, !doorbell.isShut else {
                return answer
            }
            await doorbell.wait(for: request.cursor.source, after: ticket, timeout: left)
        }
    }
}
