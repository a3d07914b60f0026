import Synchronization

/// A value that tasks wait for: whoever changes it wakes those whose condition has come true.
package final class Watched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var failure: (any Error)?
        /// Each resumes its task and is then done, or says that it goes on waiting.
        var waiters: [@Sendable (Value, (any Error)?) -> Bool] = []
    }

    private let state: Mutex<State>

    package init(_ value: Value) { state = Mutex(State(value: value)) }

    package var value: Value { state.withLock(\.value) }

    package func change(_ body: (inout Value) -> Void) {
        state.withLock { state in
            body(&state.value)
            let (value, failure) = (state.value, state.failure)
            state.waiters.removeAll { $0(value, failure) }
        }
    }

    /// Ends every wait, now and later, with `error`.
    package func fail(_ error: any Error) {
        state.withLock { state in
            state.failure = state.failure ?? error
            let (value, failure) = (state.value, state.failure)
            state.waiters.removeAll { $0(value, failure) }
        }
    }

    /// Waits until `pick` finds something, and returns it.
    ///
    /// - Throws: What ``fail(_:)`` was given.
    package func first<Picked: Sendable>(_ pick: @escaping @Sendable (Value) -> Picked?) async throws -> Picked {
        try await withCheckedThrowingContinuation { continuation in
            let waiter: @Sendable (Value, (any Error)?) -> Bool = { value, failure in
                if let failure {
                    continuation.resume(throwing: failure)
                } else if let picked = pick(value) {
                    continuation.resume(returning: picked)
                } else {
                    return false
                }
                return true
            }
            state.withLock { state in
                if !waiter(state.value, state.failure) { state.waiters.append(waiter) }
            }
        }
    }
}
