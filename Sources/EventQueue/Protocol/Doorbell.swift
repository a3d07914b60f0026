import Synchronization

/// Wakes the polls that wait for something to hand over.
///
/// A waiter takes a ticket *before* it polls and waits for a ring after that ticket, so a commit between
/// its poll and its wait is never missed. Rings carry no data: whoever wakes polls again.
public final class Doorbell: Sendable {
    /// How often a source's bell had rung.
    public struct Ticket: Sendable, Equatable {
        fileprivate let rings: UInt64
    }

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var rings: [Source.ID: UInt64] = [:]
        var waiters: [Source.ID: [Waiter]] = [:]
        var nextWaiter: UInt64 = 0
        /// Waits that were cancelled before they had begun.
        var cancelled: Set<UInt64> = []
        var isShut = false
    }

    private let state = Mutex(State())

    public init() {}

    /// Whether nobody waits any more because the service is stopping.
    public var isShut: Bool { state.withLock(\.isShut) }

    /// The ticket to take before polling.
    public func ticket(for source: Source.ID) -> Ticket {
        state.withLock { Ticket(rings: $0.rings[source, default: 0]) }
    }

    /// Wakes everybody who waits for `source`.
    public func ring(_ source: Source.ID) {
        let woken = state.withLock { state in
            state.rings[source, default: 0] += 1
            return state.waiters.removeValue(forKey: source) ?? []
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Wakes everybody and lets nobody wait any more: the service is stopping.
    public func shut() {
        let woken = state.withLock { state in
            state.isShut = true
            defer { state.waiters = [:] }
            return state.waiters.values.flatMap(\.self)
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Returns at the first ring after `ticket`, after `timeout`, when the task is cancelled or the bell is
    /// shut, whichever comes first.
    public func wait(for source: Source.ID, after ticket: Ticket, timeout: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForRing(of: source, after: ticket) }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForRing(of source: Source.ID, after ticket: Ticket) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    let isLate = state.cancelled.remove(id) != nil || state.isShut
                    guard !isLate, state.rings[source, default: 0] == ticket.rings else { return false }
                    state.waiters[source, default: []].append(Waiter(id: id, continuation: continuation))
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            cancel(id, of: source)
        }
        // A cancellation that came after the end has left its mark.
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    private func cancel(_ id: UInt64, of source: Source.ID) {
        let cancelled = state.withLock { state -> Waiter? in
            guard let place = state.waiters[source]?.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.waiters[source]?.remove(at: place)
        }
        cancelled?.continuation.resume()
    }
}
