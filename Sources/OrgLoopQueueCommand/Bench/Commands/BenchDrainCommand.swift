import ArgumentParser
import EventQueue

/// Measures how fast a consumer gets what waits.
struct BenchDrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Measures how many events a second one consumer is handed by its polls.",
        discussion: """
            Fills a database with events, just as the service stores them, then has one consumer poll them over HTTP \
            and present each checkpoint, to the end. Every batch and every emission is recorded. It fails unless \
            each event is handed over once.

            EXAMPLE
              orgloop-queue bench drain
              orgloop-queue bench drain --pending 10000000 --json
            """)

    @Option(help: "Events that wait.")
    var pending = 100_000

    @Option(help: "Events a poll, 1 to \(Limits.batchEventsMax).")
    var limit = 500

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchNumber.check(pending, "--pending", in: 1...BenchNumber.eventsMax)
        try BenchNumber.check(limit, "--limit", in: 1...Limits.batchEventsMax)
    }

    mutating func run() async throws {
        try await BenchScratch.with(in: options.directory) { scratch in
            try await measure(scratch).show(json: options.json, scratch.machine)
        }
    }

    private func measure(_ scratch: BenchScratch) async throws -> FigureReport {
        let progress = LoadProgress()
        defer { progress.end() }
        let place = try ServicePlace("service", in: scratch, connections: 1)
        progress.begin("filling")
        try await StoreFiller(place: place, progress: progress).fill(pending)
        let service = try await BenchService.start(place, in: scratch)
        try await service.waitUntilIdle()
        progress.begin("polling")
        let polled = PollProgress(.rising)
        // The last of them is answered with nothing, and confirms the one before.
        let plan = LoadPlan(connections: 1, limit: .requests((pending + limit - 1) / limit + 1))
        let script = try service.poll(limit: limit, polled)
        let polls = try await service.generator(progress).run(plan, script)
        try polls.requireSuccess(of: "drain")
        guard polled.saved.events == pending else {
            throw CommandFailure(
                message: "\(counted(polled.saved.events, "event")) came of \(pending)",
                mend: "That is a fault of the queue: please report it.")
        }
        return report(polls)
    }

    private func report(_ polls: LoadFigures) -> FigureReport {
        FigureReport(
            title: "drain by one consumer, \(limit) events a poll",
            circumstances: [("bench", JSONOutput.quoted("drain")), ("limit", "\(limit)")],
            figures: [
                Figure("events", "events handed over, each once", Double(pending), .count),
                Figure("polls", "polls", Double(polls.answers), .count),
                Figure("elapsed_us", "time", polls.elapsed / .microseconds(1), .microseconds),
                Figure(
                    "events_per_second", "events a second", Double(pending) / (polls.elapsed / .seconds(1)), .perSecond,
                    target: .atLeast(100_000)),
                Figure("p50_us", "poll, median", polls.medianMicroseconds, .microseconds),
                Figure("p99_us", "poll, p99", polls.microseconds(percentile: 99), .microseconds),
            ])
    }
}
