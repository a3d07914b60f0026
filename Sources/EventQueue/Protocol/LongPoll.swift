/// Polls that wait: a consumer is answered within milliseconds of the commit that has something for it.
public struct LongPoll: Sendable {
    private let store: any EventStore
    private let doorbell: Doorbell
    private let onPolled: @Sendable (Duration) -> Void

    /// - Parameters:
    ///   - doorbell: The bell that `store` rings.
    ///   - onPolled: Told how long the store took for each poll.
    public init(
        store: any EventStore, doorbell: Doorbell, onPolled: @escaping @Sendable (Duration) -> Void = { _ in }
    ) {
        self.store = store
        self.doorbell = doorbell
        self.onPolled = onPolled
    }

    /// Polls, and while there is nothing to hand over polls again at each ring until `wait` has passed.
    ///
    /// - Parameter wait: At most ``Limits/pollWaitMax``; zero polls once.
    /// - Throws: What ``EventStore/poll(_:)`` throws, also when the session is fenced during the wait.
    public func poll(_ request: PollRequest, wait: Duration) async throws -> PollAnswer {
        let deadline = ContinuousClock.now + wait
        while true {
            let ticket = doorbell.ticket(for: request.cursor.source)
            let begin = ContinuousClock.now
            let answer = try await store.poll(request)
            let end = ContinuousClock.now
            onPolled(begin.duration(to: end))
            let left = deadline - end
            guard answer.envelopes.isEmpty, left > .zero, !Task.isCancelled, !doorbell.isShut else {
                return answer
            }
            await doorbell.wait(for: request.cursor.source, after: ticket, timeout: left)
        }
    }
}
