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

    /// Begins as not ready.
    public init() {}

    /// The current state; never ready again once the service is shutting down.
    public var state: State {
        holder.withLock { $0.isStopping ? .notReady(reason: "shutting down") : $0.state }
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
