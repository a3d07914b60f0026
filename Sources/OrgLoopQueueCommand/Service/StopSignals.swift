import Dispatch
import Foundation
import Synchronization

/// SIGTERM and SIGINT: the first asks the service to stop, the second ends the process at once.
///
/// A deadline backs the first, whatever sockets do. Ending by force loses nothing: what was acknowledged is
/// on disk, and the rest was not acknowledged.
///
/// `@unchecked` because the list of signals grows while this is made; it is complete before anybody else has this value.
final class StopSignals: @unchecked Sendable {
    private let received = Mutex(0)
    private let deadline: DispatchTimeInterval
    private let onFirst: @Sendable (String) -> Void
    private var signals: [TakenSignal] = []

    init(deadline: DispatchTimeInterval, onFirst: @escaping @Sendable (String) -> Void) {
        self.deadline = deadline
        self.onFirst = onFirst
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            signals.append(TakenSignal(number) { [weak self] in self?.receive(name) })
        }
    }

    /// Asks the service to stop, unless that was asked before.
    func stop(because reason: String) {
        let isFirst = received.withLock { count in
            defer { count = max(count, 1) }
            return count == 0
        }
        if isFirst { begin(reason) }
    }

    /// Stops listening.
    func cancel() {
        for signal in signals { signal.cancel() }
    }

    private func receive(_ name: String) {
        let count = received.withLock { count in
            count += 1
            return count
        }
        guard count == 1 else { _exit(1) }
        begin(name)
    }

    private func begin(_ reason: String) {
        DispatchQueue.global().asyncAfter(deadline: .now() + deadline) { _exit(0) }
        onFirst(reason)
    }
}
