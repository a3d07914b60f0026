import ArgumentParser

/// Measures how long one sender waits for its answer.
struct BenchLatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Measures how long one request takes beside nothing, against one fdatasync.",
        discussion: """
            One connection sends one request after the other. In turns with it, 4 KiB are written over others of a \
            file of the same directory and waited for (fdatasync), as a write-ahead log in its steady state is: what \
            being durable costs on this disk at the least. The difference of the medians is what the service adds. \
            Appending, which changes the file's length, is shown beside it.

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
        try await BenchScratch.with(in: options.directory) { scratch in
            try await measure(scratch).show(json: options.json, scratch.machine)
        }
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
        var (overwrites, appends) = (Series(), Series())
        for round in 0..<Self.rounds {
            // The first rounds take what is left when all take as many.
            let count = requests / Self.rounds + (round < requests % Self.rounds ? 1 : 0)
            let plan = LoadPlan(connections: 1, limit: .requests(count))
            answers.add(try await service.measure(plan, rateMax: 0, &bodies, progress))
            try answers.requireSuccess(of: "latency")
            for time in try await Blocking.run({ try sync.measure(count, .overwritten) }) { overwrites.add(time) }
            for time in try await Blocking.run({ try sync.measure(count, .appended) }) { appends.add(time) }
        }
        return report(answers, overwrites, appends)
    }

    private func report(_ answers: LoadFigures, _ syncs: Series, _ appends: Series) -> FigureReport {
        let added = answers.medianMicroseconds - syncs.median
        let figures = [
            Figure("requests", "requests", Double(answers.answers), .count),
            Figure("p50_us", "latency, median", answers.medianMicroseconds, .microseconds),
            Figure("p90_us", "latency, p90", answers.microseconds(percentile: 90), .microseconds),
            Figure("p99_us", "latency, p99", answers.microseconds(percentile: 99), .microseconds),
            Figure("max_us", "latency, longest", answers.microseconds(percentile: 100), .microseconds),
            Figure("fdatasync_p50_us", "fdatasync of 4 KiB overwritten, median", syncs.median, .microseconds),
            Figure("fdatasync_p99_us", "fdatasync of 4 KiB overwritten, p99", syncs.percentile(99), .microseconds),
            Figure("append_fdatasync_p50_us", "fdatasync of 4 KiB appended, median", appends.median, .microseconds),
            Figure(
                "append_fdatasync_p99_us", "fdatasync of 4 KiB appended, p99", appends.percentile(99), .microseconds),
            Figure(
                "added_us", "median latency less median overwrite", added, .microseconds,
                target: .atMost(Self.addedMicrosecondsMax)),
        ]
        return FigureReport(
            title: "latency of one connection into a service of its own",
            circumstances: [("bench", JSONOutput.quoted("latency")), ("connections", "1")], figures: figures)
    }
}
