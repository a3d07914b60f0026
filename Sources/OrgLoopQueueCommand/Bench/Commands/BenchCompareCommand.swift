import ArgumentParser
import Foundation

/// Measures the queue in alternation with others.
struct BenchCompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measures ingest against other programs, in alternation.",
        discussion: """
            Each round sends the same kind of requests to each of them, for the same time, one after the other, with \
            the same load generator: to the service; to a receiver in Node that does the same work and appends to a \
            file, without and with an fdatasync, for each line or for all that came meanwhile (grouped); to Redis \
            Streams with appendfsync always, through its own protocol, without HTTP and signatures; and to a SwiftNIO \
            server that decodes a request and answers without looking. What is not installed (node, redis-server) is \
            left out.

            The targets are about receivers that write each line by itself. Those that group have none; they are \
            shown because they are the harder comparison.

            Beside its rate each has what its process takes of a CPU for a request, and how busy the load generator \
            was: where that is near 100 %, the rate is the generator's.

            A ratio is that of the rates of one round; the table has their median. Each round begins with another of \
            them.

            EXAMPLE
              orgloop-queue bench compare
              orgloop-queue bench compare --rounds 9 --seconds 10 --json
            """)

    @OptionGroup var load: BenchConnectionOptions

    @Option(help: "How often each is measured.")
    var rounds = 5

    @Option(help: "Seconds that each is measured in a round.")
    var seconds = 5.0

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchNumber.check(rounds, "--rounds", in: 1...1000)
        try BenchNumber.check(seconds: seconds)
    }

    mutating func run() async throws {
        let (comparison, machine) = try await BenchScratch.with(in: options.directory) { scratch in
            let progress = LoadProgress()
            defer { progress.end() }
            let alternation = Alternation(
                scratch: scratch, progress: progress, connections: load.connections, rounds: rounds,
                roundTime: .seconds(seconds))
            return (try await alternation.run(), scratch.machine)
        }
        for warning in comparison.warnings { StandardStream.error.say("orgloop-queue: \(warning)") }
        try show(comparison, machine)
    }

    private func show(_ comparison: Comparison, _ machine: BenchMachine) throws {
        guard !options.json else { return try StandardStream.output.write(line: comparison.json(machine)) }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in comparison.lines(colour: colour) { try StandardStream.output.write(line: line) }
    }
}
