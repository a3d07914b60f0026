import Synchronization

/// Whether the service can do its work; the composition root says so, `/ready` tells it.
public final class Health: Sendable {
    /// What `/ready` answers.
    public enum State: Sendable, Equatable {
        /// Commits succeed as far as anybody knows.
        case ready
        /// They do not, or not yet; the reason is for a person and names no secret.
        case notReady(reason: String)
    }

    private struct Holder {
        var state: State = .notReady(reason: "starting")
        var isStopping = false
    }

    private let holder = Mutex(Holder())
    private let obstacle: @Sendable () async -> String?

    /// Begins as not ready.
    ///
    /// - Parameter obstacle: Asked each time that somebody wants to know and nothing else stands in the way: what
    ///   keeps commits from succeeding at this moment, in words like those of ``State/notReady(reason:)``.
    public init(obstacle: @escaping @Sendable () async -> String? = { nil }) { self.obstacle = obstacle }

    /// The current state; never ready again once the service is shutting down.
    public var state: State {
        holder.withLock { $0.isStopping ? .notReady(reason: "shutting down") : $0.state }
    }

    /// The current state after a look at what may have changed by itself.
    func look() async -> State {
        guard state == .ready, let reason = await obstacle() else { return state }
        return state == .ready ? .notReady(reason: reason) : state
    }

    /// Records a new state.
    public func set(_ state: State) {
        holder.withLock { $0.state = state }
    }

    var isStopping: Bool { holder.withLock(\.isStopping) }

    func beginStopping() {
        holder.withLock { $0.isStopping = true }
    }
}
