import EventQueueSQLite
import Foundation

/// Signals that end a terminal's program: the first lets it clean up, the second ends it at once.
final class InterruptingSignals {
    private let signals: [TakenSignal]

    init(_ interruption: Interruption) {
        signals = [SIGINT, SIGTERM, SIGHUP].map { number in
            TakenSignal(number) {
                signal(number, SIG_DFL)
                interruption.request()
            }
        }
    }

    func cancel() {
        for signal in signals { signal.cancel() }
    }
}
