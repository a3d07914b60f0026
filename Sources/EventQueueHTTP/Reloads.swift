public import EventQueue
import Synchronization

/// Orders to read the configuration again, and what became of them.
///
/// Anybody may order; one reader at a time carries out. Orders that come while one is carried out become one
/// more, so that a thousand signals cost two readings.
public final class Reloads: Sendable {
    /// What became of one reading of the configuration.
    public struct Report: Sendable, Equatable {
        /// How it ended.
        public enum Result: Sendable, Equatable {
            /// What was read holds, but for what only a restart can change.
            case applied(changes: [String])
            /// What was read cannot be used; the old configuration holds, whole.
            case refused(problems: [String])
            /// It could be used, but the database could not take it now; the old configuration holds, whole.
            case putOff(reason: String)
        }

        /// When it ended.
        public let at: Timestamp
        public let result: Result
        /// What the file says and the process does not do before it is started again.
        public let needsRestart: [String]

        /// - Parameter needsRestart: Sentences for a person.
        public init(at: Timestamp, result: Result, needsRestart: [String] = []) {
            self.at = at
            self.result = result
            self.needsRestart = needsRestart
        }
    }

    /// The configuration that holds, and how the last attempt to replace it went.
    public struct Standing: Sendable, Equatable {
        /// The file that was read; `nil` when there is none.
        public let file: String?
        /// When the configuration that holds was read.
        public var loadedAt: Timestamp
        /// What the file says and the process does not do yet.
        public var needsRestart: [String] = []
        /// The last attempt, when it failed.
        public var failure: Report?
    }

    private struct State {
        var waiting: [CheckedContinuation<Report?, Never>] = []
        var standing: Standing
        var isShut = false
    }

    private let state: Mutex<State>
    private let bell: AsyncStream<Void>.Continuation

    /// One element for all orders that came since the last was taken.
    public let orders: AsyncStream<Void>

    /// - Parameters:
    ///   - file: The file that is read.
    ///   - loadedAt: When it was read the first time.
    public init(file: String?, loadedAt: Timestamp) {
        state = Mutex(State(standing: Standing(file: file, loadedAt: loadedAt)))
        (orders, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The configuration that holds now.
    public var standing: Standing { state.withLock(\.standing) }

    /// Orders a reading and does not wait for it; needs no more than a signal handler's queue has.
    public func order() { bell.yield() }

    /// Orders a reading that begins after this call, and waits for its end.
    ///
    /// - Returns: `nil` when the service ends instead.
    public func orderAndWait() async -> Report? {
        await withCheckedContinuation { continuation in
            let isShut = state.withLock { state in
                if !state.isShut { state.waiting.append(continuation) }
                return state.isShut
            }
            if isShut { continuation.resume(returning: nil) } else { bell.yield() }
        }
    }

    /// Carries out what was ordered so far, in one reading, whose report everybody gets who waits for it.
    ///
    /// - Returns: What the reading found beside its report.
    public func carryOut<Found>(_ reading: () async -> (Report, Found)) async -> Found {
        let answered = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        let (report, found) = await reading()
        state.withLock { state in
            guard case .applied = report.result else {
                state.standing.failure = report
                return
            }
            state.standing.failure = nil
            state.standing.loadedAt = report.at
            state.standing.needsRestart = report.needsRestart
        }
        for continuation in answered { continuation.resume(returning: report) }
        return found
    }

    /// Takes no more orders, and lets go who waits.
    public func shut() {
        let waiting = state.withLock { state in
            state.isShut = true
            defer { state.waiting = [] }
            return state.waiting
        }
        bell.finish()
        for continuation in waiting { continuation.resume(returning: nil) }
    }
}
