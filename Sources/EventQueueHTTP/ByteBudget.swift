import Synchronization

/// Bounds the memory that all request bodies take together, however many connections send one.
final class ByteBudget: Sendable {
    private struct State {
        var bytes: Int
        var taken = 0
    }

    private let state: Mutex<State>

    init(bytes: Int) { state = Mutex(State(bytes: bytes)) }

    /// Allows `bytes` from now on; what is taken beyond that stays taken until it is released.
    func resize(to bytes: Int) { state.withLock { $0.bytes = bytes } }

    /// Sets `bytes` aside; `false` when there are not that many.
    func reserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard bytes <= state.bytes - state.taken else { return false }
            state.taken += bytes
            return true
        }
    }

    /// What is set aside now.
    var bytesTaken: Int { state.withLock(\.taken) }

    func release(_ bytes: Int) {
        state.withLock { $0.taken -= bytes }
    }
}
