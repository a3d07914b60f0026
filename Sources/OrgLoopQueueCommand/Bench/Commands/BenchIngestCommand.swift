import ArgumentParser

/// Measures how many requests are durable in a second.
struct BenchIngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Measures how many requests a second are answered 200, and how soon.",
        discussion: """
            With --url it measures a service that runs already; what it sends stays there as events. The secret of \
            that service's source is taken from the environment variable that --secret-variable names, never from \
            the command line; without one the source must have none. It signs as the scheme hub does.

            An answer other than 200 makes it fail.

            EXAMPLE
              orgloop-queue bench ingest --seconds 10
              orgloop-queue bench ingest --requests 10000 --connections 8 --json
              orgloop-queue bench ingest --url http://127.0.0.1:4810 --secret-variable CLAUDE_CODE_WEBHOOK_SECRET
            """)

    @OptionGroup var load: BenchConnectionOptions

    @Option(
        help: """
            Seconds to send for, or until all were sent that were written down for them: \
            \(Int(LoadPlan.rateUnknown)) a second, \(LoadPlan.requestsMax) at most (default: 5).
            """)
    var seconds: Double?

    @Option(help: "How many requests to send, instead of for how long.")
    var requests: Int?

    @Option(help: "URL of a service that runs (default: one of its own).")
    var url: String?

    @Option(help: "The source of that service to send to.")
    var source = ServicePlace.source

    @Option(help: "The environment variable with the secret of that source.")
    var secretVariable: String?

    @OptionGroup var options: BenchOptions

    func validate() throws {
        _ = try CursorArguments.sourceID(source)
        if seconds != nil, requests != nil { throw ValidationError("Say --seconds or --requests, not both.") }
        if let seconds { try BenchNumber.check(seconds: seconds) }
        if let requests { try BenchNumber.check(requests, "--requests", in: 1...LoadPlan.requestsMax) }
        if url == nil, secretVariable != nil || source != ServicePlace.source {
            throw ValidationError("--source and --secret-variable are about the service that --url names.")
        }
    }

    mutating func run() async throws {
        guard let url else { return try await measureOwn() }
        let service = try NamedService(url: url, source: source, secretVariable: secretVariable)
        let machine = BenchMachine(measuring: nil)
        machine.warn()
        try report(url, try await measure(service).figures).show(json: options.json, machine)
    }

    private var plan: LoadPlan {
        LoadPlan(
            connections: load.connections, limit: requests.map { .requests($0) } ?? .duration(.seconds(seconds ?? 5)))
    }

    private func measureOwn() async throws {
        try await BenchScratch.with(in: options.directory) { scratch in
            let place = try ServicePlace("service", in: scratch, connections: load.connections)
            let service = try await BenchService.start(place, in: scratch)
            let before = service.usage
            let figures = try await measure(service)
            let cost = ServiceCost(from: before, to: service.usage, answers: figures.answers)
            try report("a service of its own", figures.figures + cost.figures)
                .show(json: options.json, scratch.machine)
        }
    }

    private func measure(_ peer: some Peer) async throws -> LoadFigures {
        let progress = LoadProgress()
        defer { progress.end() }
        progress.begin("sending")
        var bodies = SessionBodies()
        let figures = try await peer.measure(plan, rateMax: LoadPlan.rateUnknown, &bodies, progress)
        try figures.requireSuccess(of: "ingest")
        if let warning = figures.generatorWarning(of: "ingest") {
            progress.end()
            StandardStream.error.say("orgloop-queue: \(warning)")
        }
        return figures
    }

    /// How long it was to send.
    private var asked: (String, String) {
        requests.map { ("requests_asked", "\($0)") } ?? ("seconds_asked", FigureText.json(seconds ?? 5))
    }

    private func report(_ subject: String, _ figures: [Figure]) -> FigureReport {
        FigureReport(
            title: "ingest by \(counted(load.connections, "connection")) into \(subject)",
            circumstances: [
                ("bench", JSONOutput.quoted("ingest")), ("connections", "\(load.connections)"), asked,
            ],
            figures: figures)
    }
}
