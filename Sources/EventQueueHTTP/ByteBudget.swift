import Synchronization

/// Bounds the memory that all request bodies take together, however many connections send one.
final class ByteBudget: Sendable {
    private let left: Mutex<Int>

    init(bytes: Int) { left = Mutex(bytes) }

    /// Sets `bytes` aside; `false` when there are not that many.
    func reserve(_ bytes: Int) -> Bool {
        left.withLock { left in
            guard bytes <= left else { return false }
            left -= bytes
            return true
        }
    }

    func release(_ bytes: Int) {
        left.withLock { $0 += bytes }
    }
}
