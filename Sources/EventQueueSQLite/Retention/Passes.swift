import EventQueue
import Synchronization

/// How far one pass of pruning over all sources has got.
struct Pass: Sendable {
    /// The sweep that is under way.
    var step = 0
    /// Where it goes on; `nil` at its beginning.
    var after: Int64?
    /// Whether anything was deleted or thinned since the pass began.
    var hasWorked = false
}

/// The passes that are under way, by what they go by.
///
/// A slice that began anew each time would look at the events that have to stay again and again, and on a
/// busy machine never come further.
final class Passes: Sendable {
    private let passes = Mutex<[Retention: Pass]>([:])

    /// The pass to go on with.
    func take(_ retention: Retention) -> Pass { passes.withLock { $0[retention] ?? Pass() } }

    /// Leaves `pass` to the next slice.
    func leave(_ pass: Pass, of retention: Retention) {
        // A finished pass leaves nothing, so that bounds which were tried once are forgotten.
        passes.withLock { $0[retention] = pass.step == 0 && pass.after == nil ? nil : pass }
    }
}
