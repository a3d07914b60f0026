import Synchronization

/// SplitMix64: one seed names one sequence of choices (https://prng.di.unimi.it/splitmix64.c).
///
/// The choices of a run can be repeated; what the kernel makes of them cannot.
package final class SeededRandom: Sendable {
    private let state: Mutex<UInt64>

    package init(seed: UInt64) { state = Mutex(seed) }

    /// A number of `range`, each equally likely as far as a test can tell.
    package func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// True once in `count` times.
    package func happens(onceIn count: Int) -> Bool { number(in: 1...count) == 1 }

    private func next() -> UInt64 {
        let mixed = state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            return state
        }
        let first = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        let second = (first ^ (first >> 27)) &* 0x94D0_49BB_1331_11EB
        return second ^ (second >> 31)
    }
}
