import Foundation
import Synchronization
import Testing

/// Lets a few tests run at once, because each of them starts programs.
///
/// Swift Testing begins all tests together. A hundred services on two cores make every one of them so slow
/// that what a test waits for, a signal or an answer within seconds, tells about the machine only.
struct AFewAtATime: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    private static let turns = Turns(count: max(4, ProcessInfo.processInfo.activeProcessorCount))

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Self.turns.take()
        defer { Self.turns.giveBack() }
        try await function()
    }
}

extension Trait where Self == AFewAtATime {
    static var aFewAtATime: Self { Self() }
}

/// A number of turns that are taken in the order in which they were asked for.
private final class Turns: Sendable {
    private struct State {
        var free: Int
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(free: count)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isMine = state.withLock { state in
                guard state.free > 0 else {
                    state.waiters.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isMine { continuation.resume() }
        }
    }

    func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiters.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.resume()
    }
}
