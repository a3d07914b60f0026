import Foundation
import NIOCore

/// One run of load on one event loop: its clock, its figures and its end.
///
/// Everything of it is on the loop, so nothing here needs a lock.
final class LoadRun {
    private let limit: LoadPlan.Limit
    private let done: EventLoopPromise<LoadFigures>
    private let progress: LoadProgress
    private var connections: [LoadConnection] = []
    private var figures = LoadFigures()
    private var began = NIODeadline.now()
    private var sentCount = 0
    private var waiting = 0
    private var hasEnded = false
    private var watchdog: RepeatedTask?
    private var lastAnswerAt = NIODeadline.now()
    private var hasStarted = false
    private var busyBegan: Duration = .zero

    /// A service that answers nobody for so long has stopped.
    private static let patience = TimeAmount.seconds(30)
    private static let watchInterval = TimeAmount.seconds(1)

    init(_ limit: LoadPlan.Limit, done: EventLoopPromise<LoadFigures>, progress: LoadProgress) {
        self.limit = limit
        self.done = done
        self.progress = progress
    }

    func add(_ connection: LoadConnection) { connections.append(connection) }

    /// Starts the clock and has every connection send its first request.
    func start(on loop: any EventLoop) {
        began = .now()
        lastAnswerAt = began
        busyBegan = Self.threadTime
        hasStarted = true
        // A connection may have been lost before.
        guard figures.unexpected == 0 else { return finish() }
        let bound = NIOLoopBound(self, eventLoop: loop)
        watchdog = loop.scheduleRepeatedTask(initialDelay: Self.watchInterval, delay: Self.watchInterval) { _ in
            bound.value.watch(at: .now())
        }
        for connection in connections { connection.send(at: .now()) }
        endIfDone()
    }

    /// Ends a run that does not start.
    func abandon() { end() }

    /// Whether another request is to be sent.
    func goesOn(at now: NIODeadline) -> Bool {
        guard !hasEnded else { return false }
        return switch limit {
        case .requests(let count): sentCount < count
        case .duration(let duration): now - began < TimeAmount(duration)
        }
    }

    func sent() {
        sentCount += 1
        waiting += 1
    }

    func answered(after time: TimeAmount, at now: NIODeadline, problem: String?) {
        waiting -= 1
        if let problem { figures.failed(problem) } else { figures.answered(after: UInt64(time.nanoseconds)) }
        noteTime(now)
    }

    /// A connection ended that the run needs: what the others reach without it is not what was asked for.
    func lost(_ reason: String, isWaiting: Bool, at now: NIODeadline) {
        guard !hasEnded else { return }
        if isWaiting { waiting -= 1 }
        figures.failed(reason)
        guard hasStarted else { return }
        noteTime(now)
        finish()
    }

    /// Ends the run when nothing is in flight any more: whoever could send has done so.
    func endIfDone() {
        guard !hasEnded, waiting == 0 else { return }
        finish()
    }

    private func finish() {
        figures.busy = Self.threadTime - busyBegan
        end()
        done.succeed(figures)
    }

    /// How long this thread was at work so far.
    private static var threadTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    private func noteTime(_ now: NIODeadline) {
        lastAnswerAt = now
        figures.elapsed = .nanoseconds((now - began).nanoseconds)
        progress.note(figures, of: limit)
    }

    private func watch(at now: NIODeadline) {
        guard !hasEnded, now - lastAnswerAt >= Self.patience else { return }
        let failure = CommandFailure(
            message: "no answer within \(Self.patience.nanoseconds / 1_000_000_000) s, to \(waiting) of "
                + counted(sentCount, "request"),
            mend: "Check the log of what is measured.")
        end()
        done.fail(failure)
    }

    private func end() {
        hasEnded = true
        watchdog?.cancel()
        for connection in connections { connection.close() }
        // They refer to this run.
        connections = []
    }
}
