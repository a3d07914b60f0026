/// A transaction that an engine has made durable, as those who measure the engine see it.
public struct Commit: Sendable, Equatable {
    /// How many events it was to append; zero for one that appends none.
    public let events: Int
    /// From its begin until it was durable.
    public let duration: Duration

    public init(events: Int, duration: Duration) {
        self.events = events
        self.duration = duration
    }
}

/// Told of each commit, in their order.
///
/// It runs on the engine's only writer: whatever waits in it keeps every sender waiting.
public typealias CommitObserver = @Sendable (Commit) -> Void
