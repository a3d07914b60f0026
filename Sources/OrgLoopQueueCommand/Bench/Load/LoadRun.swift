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
    /// What the watchdog saw last.
    private var watchedCount = 0

    /// A service that answers nobody for so long has stopped.
    private static let patience = TimeAmount.seconds(30)

    init(_ limit: LoadPlan.Limit, done: EventLoopPromise<LoadFigures>, progress: LoadProgress) {
        self.limit = limit
        self.done = done
        self.progress = progress
    }

    func add(_ connection: LoadConnection) { connections.append(connection) }

    /// Starts the clock and has every connection send its first request.
    func start(on loop: any EventLoop) {
        began = .now()
        let bound = NIOLoopBound(self, eventLoop: loop)
        watchdog = loop.scheduleRepeatedTask(initialDelay: Self.patience, delay: Self.patience) { _ in
            bound.value.watch()
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

    /// A connection ended while it waited for an answer.
    func lost(_ reason: String, at now: NIODeadline) {
        waiting -= 1
        figures.failed(reason)
        noteTime(now)
        endIfDone()
    }

    /// Ends the run when nothing is in flight any more: whoever could send has done so.
    func endIfDone() {
        guard !hasEnded, waiting == 0 else { return }
        end()
        done.succeed(figures)
    }

    private func noteTime(_ now: NIODeadline) {
        figures.elapsed = .nanoseconds((now - began).nanoseconds)
        progress.note(figures, of: limit)
    }

    private func watch() {
        let count = figures.answers + figures.unexpected
        defer { watchedCount = count }
        guard !hasEnded, count == watchedCount else { return }
        end()
        done.fail(
            CommandFailure(
                message: "no answer within \(Self.patience.nanoseconds / 1_000_000_000) s, to \(waiting) of "
                    + counted(sentCount, "request"),
                mend: "Check the log of what is measured."))
    }

    private func end() {
        hasEnded = true
        watchdog?.cancel()
        for connection in connections { connection.close() }
        // They refer to this run.
        connections = []
    }
}
