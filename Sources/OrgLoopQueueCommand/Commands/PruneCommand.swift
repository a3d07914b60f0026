import ArgumentParser
import EventQueue
import Foundation

/// Deletes and thins what nobody needs any more.
struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Deletes and thins events that nobody needs any more.",
        discussion: """
            Without a bound of its own it uses the retention of the service's configuration. An event that a \
            consumer has not confirmed, that is in doubt or waits in a replay is never touched. The work is \
            done in small steps, so that senders do not wait; ending it early loses nothing.

            EXAMPLE
              orgloop-queue prune --dry-run
              orgloop-queue prune --keep 30d --thin 7d
            """)

    @Flag(help: "Tell what would be deleted and change nothing.")
    var dryRun = false

    @Option(
        help: "Delete this long after the last consumer finished, like 30d.",
        transform: { try DurationArgument.parse($0) })
    var keep: Duration?

    @Option(
        help: "Drop body and envelope this long after, like 7d; id and hashes stay.",
        transform: { try DurationArgument.parse($0) })
    var thin: Duration?

    @Option(
        help: "Delete the oldest while the database holds more than this, like 10GiB.",
        transform: { text in
            guard let bytes = Quantities.bytes(text) else {
                throw ValidationError("'\(text)' is not \(Quantities.bytesForm).")
            }
            return bytes
        })
    var bytesMax: Int?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object: the forecast, or the totals.")
    var json = false

    mutating func run() async throws {
        try await options.withService { service, _ in
            guard !dryRun else { return try await forecast(service) }
            try await prune(service)
        }
    }

    private func forecast(_ service: ServiceConnection) async throws {
        let reply = try await service.post("/v1/prune", body: body(dryRun: true))
        let forecast = try reply.decoded(PruneForecastAnswer.self)
        guard !json else { return try StandardStream.output.write(line: reply.text) }
        try StandardStream.output.write(
            line: "would delete \(counted(forecast.deletes, "event")) and drop the content of \(forecast.thins)")
        guard forecast.held > 0 else { return }
        try StandardStream.output.write(
            line: "\(forecast.held) are old enough and stay: not confirmed by every consumer, in doubt, waiting "
                + "in a replay, or of a source that nobody reads")
    }

    private func prune(_ service: ServiceConnection) async throws {
        var progress = Progress("pruning", total: try await total(service))
        defer { progress.end() }
        var totals = PrunedAnswer()
        while true {
            let slice = try await service.post("/v1/prune", body: body(dryRun: false)).decoded(PrunedAnswer.self)
            totals.add(slice)
            progress.show(totals.deleted + totals.thinned)
            if slice.done { break }
        }
        progress.end()
        try StandardStream.output.write(line: json ? totals.json : totals.line)
    }

    /// How many events are concerned; only somebody who watches wants to know.
    private func total(_ service: ServiceConnection) async throws -> Int {
        guard StandardStream.error.isTerminal else { return 0 }
        let forecast = try await service.post("/v1/prune", body: body(dryRun: true))
            .decoded(PruneForecastAnswer.self)
        return forecast.deletes + forecast.thins
    }

    private func body(dryRun: Bool) -> String {
        var members: [(String, String)] = []
        if dryRun { members.append(("dry_run", "true")) }
        if let keep { members.append(("keep_ms", "\(keep.milliseconds)")) }
        if let thin { members.append(("thin_ms", "\(thin.milliseconds)")) }
        if let bytesMax { members.append(("bytes_max", "\(bytesMax)")) }
        return JSONOutput.object(members)
    }
}

/// The answer to a dry run of `POST /v1/prune`.
private struct PruneForecastAnswer: Decodable {
    let deletes: Int
    let thins: Int
    let held: Int
}

/// The answer of `POST /v1/prune` for one slice of the work, and the sum of several.
private struct PrunedAnswer: Decodable {
    var deleted = 0
    var thinned = 0
    var freedBytes: Int64 = 0
    var done = false

    mutating func add(_ slice: PrunedAnswer) {
        deleted += slice.deleted
        thinned += slice.thinned
        freedBytes += slice.freedBytes
        done = slice.done
    }

    var line: String {
        "deleted \(counted(deleted, "event")), dropped the content of \(thinned), "
            + "gave back \(StatusReport.size(freedBytes))"
    }

    var json: String {
        JSONOutput.object([
            ("deleted", "\(deleted)"), ("thinned", "\(thinned)"), ("freed_bytes", "\(freedBytes)"),
        ])
    }
}
