import Foundation
import Testing

/// What an operator does with a large queue stays quick.
///
/// Without `ORGLOOP_QUEUE_SCALE` the queue is small and only the work is checked: times of a shared machine
/// prove nothing. `./config/bootstrap measure` sets it to a million and holds every figure to its bound.
@Suite(.serialized, .aFewAtATime, .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
struct ScaleTests {
    private static let wanted = ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_SCALE"].flatMap { Int($0) }

    @Test(.timeLimit(.minutes(30)))
    func `a large queue answers auditors at once, and pruning half of it holds up no append`() async throws {
        let run = try await ScaleRun(events: Self.wanted ?? 6000)
        let half = run.events / 2
        try await run.add(half, from: 0)
        try await run.work(through: half)
        let halfTime = ContinuousClock.now
        try await run.add(half, from: half)
        // Of the second half one batch is left in doubt and a fifth is pending.
        try await run.work(through: half * 4 / 5, leaving: 1)
        try await run.work(through: 0)
        let replay = ["replay", "--source", "claude-code", "--batch", "2", "--reason", "measured"]
        #expect(try await run.service.run(replay).status == 0)

        var figures = try await run.questions()
        figures.append(try await run.status())
        let (quiet, busy, pruned) = try await pruneHalf(run, since: halfTime)
        figures += [
            .init(name: "append beside nothing, p99", time: quiet[quiet.count * 99 / 100], bound: nil),
            .init(name: "append beside nothing, longest of \(quiet.count)", time: quiet.last ?? .zero, bound: nil),
            .init(name: "append beside prune, p99", time: busy[busy.count * 99 / 100], bound: nil),
            .init(
                name: "append beside prune, longest of \(busy.count)", time: busy.last ?? .zero,
                bound: .milliseconds(50)),
        ]
        #expect(try await run.rows("SELECT * FROM double_emissions") == [])
        guard Self.wanted != nil else { return }
        print("\(run.events) events; pruned \(pruned)")
        for figure in figures { print(figure.line) }
        for figure in figures {
            if let bound = figure.bound { #expect(figure.time <= bound, "\(figure.name)") }
        }
    }

    /// Prunes what was settled before `time`, and sends events before and meanwhile.
    private func pruneHalf(_ run: ScaleRun, since time: ContinuousClock.Instant) async throws -> (
        quiet: [Duration], busy: [Duration], pruned: String
    ) {
        let end = ContinuousClock.now + .seconds(Self.wanted == nil ? 1 : 10)
        let quiet = try await run.appends { ContinuousClock.now >= end }
        let age = max(1000, Int((ContinuousClock.now - time) / .milliseconds(1)))
        let prune = try ChildProcess(
            Binary.path(), ["prune", "--keep", "\(age)ms", "--json", "--url", run.service.url], in: run.service.scratch)
        let ended = Ended()
        let watch = Task {
            let code = await prune.waitForExit()
            await ended.set()
            return code
        }
        let busy = try await run.appends { await ended.isSet }
        #expect(await watch.value == 0, "\(prune.standardError)")
        try #require(!busy.isEmpty, "nothing was appended beside prune")
        return (quiet, busy, await prune.readToEnd())
    }

    private actor Ended {
        private(set) var isSet = false

        func set() { isSet = true }
    }
}
