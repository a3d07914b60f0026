import Dispatch
import Foundation

/// A signal that this process takes, instead of being ended by it.
///
/// `@unchecked` because dispatch sources are not marked, although every thread may use them.
final class TakenSignal: @unchecked Sendable {
    private let source: any DispatchSourceSignal

    /// Has `receive` called for each signal that comes once this returns; until then what was its action stays so.
    init(_ number: Int32, _ receive: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: receive)
        // A source begins to listen some time after its start, on a thread of its own. A signal that was ignored until
        // then, as every example has it, would be lost.
        let registered = DispatchSemaphore(value: 0)
        source.setRegistrationHandler { registered.signal() }
        source.resume()
        registered.wait()
        #if canImport(Darwin)
            // There the source only watches; on Linux it has replaced the action.
            signal(number, SIG_IGN)
        #endif
    }

    /// Stops listening.
    func cancel() { source.cancel() }
}
