import Foundation
import Synchronization

/// SIGHUP: whoever sends it wants the configuration read again, as with every other daemon. The kernel sends it,
/// too, when the terminal is closed in which the service runs; that ends the service, as it ends every program.
///
/// `@unchecked` because the signal is taken last while this is made, and nothing is changed afterwards.
final class HangUpSignal: @unchecked Sendable {
    /// What it means this time.
    enum Meaning { case reload, terminalClosed }

    private struct State {
        var receive: (@Sendable (Meaning) -> Void)?
        var isKept = false
    }

    private let state = Mutex(State())
    private var signal: TakenSignal?
    /// A descriptor of the terminal; `nil` without one.
    private let terminal: Int32?

    /// Takes the signal from now on, instead of being ended by it.
    init() {
        // nohup(1) ignores the signal on behalf of a program that shall outlive its terminal.
        var before = sigaction()
        sigaction(SIGHUP, nil, &before)
        let outlives = Self.ignores(before)
        terminal = outlives ? nil : [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
        signal = TakenSignal(SIGHUP) { [weak self] in self?.take() }
    }

    private static func ignores(_ action: sigaction) -> Bool {
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Has `receive` called whenever the signal comes, and once for those that came before.
    func listen(_ receive: @escaping @Sendable (Meaning) -> Void) {
        let wasKept = state.withLock { state in
            state.receive = receive
            defer { state.isKept = false }
            return state.isKept
        }
        if wasKept { receive(meaning) }
    }

    /// What was a terminal is none any more once that was closed.
    private var meaning: Meaning {
        guard let terminal, isatty(terminal) == 0 else { return .reload }
        return .terminalClosed
    }

    private func take() {
        let receive = state.withLock { state in
            if state.receive == nil { state.isKept = true }
            return state.receive
        }
        receive?(meaning)
    }

    /// Stops listening.
    func cancel() { signal?.cancel() }
}
