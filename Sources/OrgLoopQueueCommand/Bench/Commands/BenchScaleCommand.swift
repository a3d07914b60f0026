import ArgumentParser

/// Measures what does not depend on how much is in the queue, and what does.
struct BenchScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Measures a large database against a small one, in alternation.",
        discussion: """
            Fills a large database and a small one, each with a service, and measures in turns: ingest; polls of 500 \
            with everything pending against such with 1000 pending; memory; starts after SIGKILL; and whole runs of \
            hook claude-code. Filling takes about as long as 20,000 to 40,000 events a second do, and 1.5 KiB of \
            disk for an event.

            EXAMPLE
              orgloop-queue bench scale
              orgloop-queue bench scale --events 10000000 --directory /var/tmp
            """)

    @Option(help: "Events of the large database.")
    var events = 1_000_000

    @Option(help: "Events of the small one.")
    var small = 100_000

    @OptionGroup var load: BenchConnectionOptions

    @Option(help: "How often ingest is measured into each.")
    var rounds = 5

    @Option(help: "Seconds that each is measured in a round.")
    var seconds = 3.0

    @Option(help: "How many polls of each are measured.")
    var polls = 500

    @Option(help: "How often the hook is run.")
    var hooks = 20

    @Option(help: "How often the service is killed and started.")
    var starts = 5

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchNumber.check(events, "--events", in: ScaleBench.pollEvents...BenchNumber.eventsMax)
        try BenchNumber.check(small, "--small", in: 1...BenchNumber.eventsMax)
        try BenchNumber.check(rounds, "--rounds", in: 1...1000)
        try BenchNumber.check(polls, "--polls", in: 1...100_000)
        try BenchNumber.check(hooks, "--hooks", in: 1...10_000)
        try BenchNumber.check(starts, "--starts", in: 1...1000)
        try BenchNumber.check(seconds: seconds)
    }

    mutating func run() async throws {
        try await BenchScratch.with(in: options.directory) { scratch in
            let progress = LoadProgress()
            defer { progress.end() }
            let bench = ScaleBench(
                scratch: scratch, progress: progress, connections: load.connections, rounds: rounds,
                roundTime: .seconds(seconds), polls: polls, hooks: hooks, starts: starts)
            let report = try await bench.run(events: events, small: small)
            progress.end()
            try report.show(json: options.json, scratch.machine)
        }
    }
}
