import NIOCore

/// A moment by which something must have happened, which is moved often and seldom reached.
///
/// A timer of NIO's costs an allocation, and cancelling it a search among all timers of the loop. So the timer stays
/// where it is while the moment moves on, and looks whether it is time when it fires. Belongs to one event loop.
final class Deadline<Debt> {
    private let loop: any EventLoop
    private let expired: (Debt) -> Void
    private var due: (time: NIODeadline, debt: Debt)?
    private var timer: (fires: NIODeadline, task: Scheduled<Void>)?

    /// - Parameter expired: Called on the loop when what was awaited has not happened in time.
    init(on loop: any EventLoop, expired: @escaping (Debt) -> Void) {
        self.loop = loop
        self.expired = expired
    }

    /// Waits for `debt`, and for nothing else any more.
    func expect(_ debt: Debt, within time: TimeAmount) {
        let moment = loop.now + time
        due = (moment, debt)
        if let timer {
            guard moment < timer.fires else { return }
            timer.task.cancel()
        }
        schedule(at: moment)
    }

    /// Waits for nothing.
    func lift() { due = nil }

    /// Waits for nothing, for good.
    func end() {
        due = nil
        timer?.task.cancel()
        timer = nil
    }

    private func schedule(at moment: NIODeadline) {
        timer = (moment, loop.assumeIsolated().scheduleTask(deadline: moment) { self.look() })
    }

    private func look() {
        timer = nil
        guard let due else { return }
        guard due.time <= loop.now else { return schedule(at: due.time) }
        self.due = nil
        expired(due.debt)
    }
}
