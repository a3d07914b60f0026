import ArgumentParser
import EventQueue
import Foundation

/// The verbs about verified requests that could not become events.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Lists, shows, retries and discards requests that could not become events.",
        discussion: """
            A request whose signature is right and whose body is no event is answered 400 or 422 and kept here, the \
            newest up to a bound. When its source's configuration is mended it can become an event after all. Who \
            retried or discarded what, when and why is on record: SELECT * FROM quarantine_orders.

            EXAMPLE
              orgloop-queue quarantine list
              orgloop-queue quarantine show 7
              orgloop-queue quarantine retry 7
              orgloop-queue quarantine discard 7 --reason 'a test'
            """,
        subcommands: [
            QuarantineListCommand.self, QuarantineShowCommand.self, QuarantineRetryCommand.self,
            QuarantineDiscardCommand.self,
        ])
}

/// Lists what is kept.
struct QuarantineListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists what is in quarantine, the oldest first.",
        discussion: """
            EXAMPLE
              orgloop-queue quarantine list --source deploys
            """)

    @Option(help: "Only of this source.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    @Option(help: "Only behind this number.")
    var after: Int?

    @Option(help: "Requests, 1 to \(Limits.pageRowsMax).")
    var limit = Limits.pageRowsDefault

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    func validate() throws {
        guard (1...Limits.pageRowsMax).contains(limit) else {
            throw ValidationError("--limit is 1 to \(Limits.pageRowsMax).")
        }
    }

    mutating func run() async throws {
        let query = [("source", source?.rawValue), ("after", after.map(String.init)), ("limit", "\(limit)")]
        let reply = try await options.withService { service, _ in
            try await service.requireKnown(source: source)
            return try await service.get("/v1/quarantine", query)
        }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let listing = try reply.decoded(QuarantineListing.self)
        guard !listing.quarantine.isEmpty else {
            let place = source.map { " of \($0)" } ?? ""
            return StandardStream.error.say("nothing\(place) is in quarantine\(after.map { " behind \($0)" } ?? "")")
        }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in listing.table.lines(colour: colour) { try StandardStream.output.write(line: line) }
        if let next = listing.next {
            StandardStream.error.say("there is more: " + CommandText.line(following(next)))
        }
    }

    /// The command that lists what comes behind this page, of the same place.
    private func following(_ next: Int) -> [String] {
        let ofSource = source.map { ["--source", $0.rawValue] } ?? []
        let ofLength = limit == Limits.pageRowsDefault ? [] : ["--limit", "\(limit)"]
        return ["quarantine", "list"] + ofSource + ofLength + ["--after", "\(next)"] + options.arguments
    }
}

/// What the service answers to the question what is kept.
struct QuarantineListing: Decodable {
    struct Row: Decodable {
        let id: Int
        let source: String
        let receivedAt: String
        let reason: String
        let detail: String
        let bytes: Int
    }

    let quarantine: [Row]
    let next: Int?

    var table: Table {
        var table = Table([
            ("ID", .trailing), ("SOURCE", .leading), ("RECEIVED", .leading), ("BYTES", .trailing),
            ("REASON", .leading), ("DETAIL", .leading),
        ])
        for row in quarantine {
            table.add([
                .init("\(row.id)"), .init(row.source.printable), .init(row.receivedAt.printable), .init("\(row.bytes)"),
                .init(row.reason.printable, .warning), .init(row.detail.printable),
            ])
        }
        return table
    }
}
