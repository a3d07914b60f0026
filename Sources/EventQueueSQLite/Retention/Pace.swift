import Synchronization

/// How much one transaction may take on, so that appends which wait behind it hardly notice.
///
/// The time of a transaction depends on the disk and on what else runs, so the amount follows what the last
/// ones took.
final class Pace: Sendable {
    /// Appends may wait 50 ms for housekeeping; this leaves their own commit and a slow disk the rest.
    private static let transactionTimeMax: Duration = .milliseconds(8)

    private let amount: Mutex<Int>
    private let bounds: ClosedRange<Int>

    /// Begins with the least.
    init(_ bounds: ClosedRange<Int>) {
        self.bounds = bounds
        amount = Mutex(bounds.lowerBound)
    }

    /// What the next transaction may take on.
    var next: Int { amount.withLock(\.self) }

    /// Learns how long a transaction took that did `done` of what it might.
    func took(_ duration: Duration, for done: Int) {
        amount.withLock { amount in
            if duration > Self.transactionTimeMax {
                amount = max(bounds.lowerBound, min(amount, done) / 2)
            } else if duration < Self.transactionTimeMax / 2, done >= amount {
                amount = min(bounds.upperBound, amount + amount / 4 + 1)
            }
        }
    }
}
