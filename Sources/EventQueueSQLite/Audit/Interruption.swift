import GRDB
import Synchronization

/// A request to stop that comes from outside: from a signal, while SQLite is at work.
package final class Interruption: Sendable {
    private struct State {
        var isRequested = false
        var running: DatabaseQueue?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends the work as soon as possible, whatever it is at; callable from any thread.
    package func request() {
        let running = state.withLock { state in
            state.isRequested = true
            return state.running
        }
        running?.interrupt()
    }

    var isRequested: Bool { state.withLock(\.isRequested) }

    /// Lets a request stop what `queue` is doing, from now on.
    func watch(_ queue: DatabaseQueue) { state.withLock { $0.running = queue } }
}
