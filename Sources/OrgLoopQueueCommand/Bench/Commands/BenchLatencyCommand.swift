import ArgumentParser

/// Measures how long one sender waits for its answer.
struct BenchLatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Measures how long one request takes beside nothing, against one fdatasync.",
        discussion: """
            One connection sends one request after the other. In turns with it, 4 KiB are appended to a file of the \
            same directory and waited for (fdatasync): what being durable costs on this disk at the least. The \
            difference of the medians is what the service adds.

            EXAMPLE
              orgloop-queue bench latency
              orgloop-queue bench latency --requests 10000 --directory /var/lib/orgloop-queue --json
            """)

    @Option(help: "How many requests to send.")
    var requests = 2000

    @OptionGroup var options: BenchOptions

    /// Turns between the two, so that a disk that slows down does so for both.
    private static let rounds = 5
    /// What the service may add.
    private static let addedMicrosecondsMax = 400.0

    func validate() throws { try BenchNumber.check(requests, "--requests", in: Self.rounds...LoadPlan.requestsMax) }

    mutating func run() async throws {
        let report = try await BenchScratch.with(in: options.directory) { try await measure($0) }
        try report.show(json: options.json)
    }

    private func measure(_ scratch: BenchScratch) async throws -> FigureReport {
        let progress = LoadProgress()
        defer { progress.end() }
        progress.begin("sending")
        let place = try ServicePlace("service", in: scratch, connections: 1)
        let service = try await BenchService.start(place, in: scratch)
        let sync = try SyncCost(in: place.directory)
        defer { sync.close() }
        var bodies = SessionBodies()
        var answers = LoadFigures()
        var syncs = Series()
        for _ in 0..<Self.rounds {
            let plan = LoadPlan(connections: 1, limit: .requests(requests / Self.rounds))
            answers.add(try await service.measure(plan, rateMax: 0, &bodies, progress))
            try answers.requireSuccess(of: "latency")
            let count = requests / Self.rounds
            for time in try await Blocking.run({ try sync.measure(count) }) { syncs.add(time) }
        }
        return report(answers, syncs)
    }

    private func report(_ answers: LoadFigures, _ syncs: Series) -> FigureReport {
        let added = answers.medianMicroseconds - syncs.median
        let figures = [
            Figure("requests", "requests", Double(answers.answers), .count),
            Figure("p50_us", "latency, median", answers.medianMicroseconds, .microseconds),
            Figure("p90_us", "latency, p90", answers.microseconds(percentile: 90), .microseconds),
            Figure("p99_us", "latency, p99", answers.microseconds(percentile: 99), .microseconds),
            Figure("max_us", "latency, longest", answers.microseconds(percentile: 100), .microseconds),
            Figure("fdatasync_p50_us", "fdatasync of 4 KiB, median", syncs.median, .microseconds),
            Figure("fdatasync_p99_us", "fdatasync of 4 KiB, p99", syncs.percentile(99), .microseconds),
            Figure(
                "added_us", "median latency less median fdatasync", added, .microseconds,
                target: .atMost(Self.addedMicrosecondsMax)),
        ]
        return FigureReport(
            title: "latency of one connection into a service of its own",
            circumstances: [("bench", JSONOutput.quoted("latency")), ("connections", "1")], figures: figures)
    }
}
