import Synchronization

/// How far a consumer has come; the bench looks at it while the event loop goes on.
final class PollProgress: Sendable {
    /// How it is seen that an event comes twice.
    enum Order {
        /// Events that were stored one after the other: first emissions go in the order of `seq`, and ids rise with it.
        case rising
        /// Events whose requests overlapped, which take their ids before their turn: every id is remembered.
        case any
    }

    struct Saved {
        fileprivate(set) var checkpoint: String?
        fileprivate(set) var events = 0
        fileprivate var last: UInt64 = 0
        fileprivate var seen: Set<UInt64> = []
    }

    private let order: Order
    private let state = Mutex(Saved())

    init(_ order: Order) { self.order = order }

    var saved: Saved { state.withLock(\.self) }

    /// The checkpoint to present.
    var checkpoint: String? { state.withLock(\.checkpoint) }

    /// Saves what an answer brought.
    ///
    /// - Returns: What is wrong with it, and whether it brought nothing.
    func take(_ scan: HandoverScan) -> (problem: String?, isEmpty: Bool) {
        state.withLock { saved in
            for id in scan.ids {
                guard isNew(id, &saved) else {
                    return ("an event came twice, or out of its turn: evt_\(String(id, radix: 16))", true)
                }
            }
            saved.events += scan.ids.count
            if let checkpoint = scan.checkpoint { saved.checkpoint = checkpoint }
            return (nil, scan.ids.isEmpty)
        }
    }

    private func isNew(_ id: UInt64, _ saved: inout Saved) -> Bool {
        switch order {
        case .rising:
            defer { saved.last = id }
            return id > saved.last
        case .any: return saved.seen.insert(id).inserted
        }
    }
}
