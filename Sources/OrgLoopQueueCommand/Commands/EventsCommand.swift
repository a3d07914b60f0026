import ArgumentParser
import EventQueue
import Foundation

/// Lists stored events and where each stands for its consumers.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Lists events and where each stands for its consumers.",
        discussion: """
            One row per event and consumer, in the order of arrival. It reads beside the consumers: nothing is \
            handed over. Times are ISO 8601 with a zone, or how long ago: 30m, 2h, 7d.

            EXAMPLE
              orgloop-queue events --last --limit 20
              orgloop-queue events --source claude-code --state in_doubt
              orgloop-queue events --since 2h --json
            """)

    @OptionGroup var filter: EventFilter

    @Option(help: "Begin behind this sequence number.")
    var after: Int64?

    @Option(help: "Rows, 1 to \(Limits.pageRowsMax).")
    var limit = Limits.pageRowsDefault

    @Flag(help: "List the newest rows instead of the oldest.")
    var last = false

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    func validate() throws {
        guard (1...Limits.pageRowsMax).contains(limit) else {
            throw ValidationError("--limit is 1 to \(Limits.pageRowsMax).")
        }
        if last, after != nil { throw ValidationError("--last and --after name two ends of the list.") }
        if let after, after < 0 { throw ValidationError("--after is a sequence number.") }
    }

    mutating func run() async throws {
        var query = filter.query + [("limit", "\(limit)"), ("after", after.map { "\($0)" })]
        if last { query.append(("last", "true")) }
        let reply = try await options.withService { service, _ in
            try await service.requireKnown(source: filter.source, consumer: filter.consumer)
            return try await service.get("/v1/events", query)
        }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let listing = try reply.decoded(EventListing.self)
        guard !listing.events.isEmpty else { return StandardStream.error.say("no event matches") }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in listing.table.lines(colour: colour) { try StandardStream.output.write(line: line) }
        if !last, let next = listing.next {
            StandardStream.error.say("more follow: add --after \(next)")
        }
    }
}

/// Which events a verb lists.
struct EventFilter: ParsableArguments {
    private static let states = WordArgument.allowed(Event.State.self)
    private static let kinds = WordArgument.allowed(Event.Kind.self)

    @Option(help: "Only this source.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    @Option(help: "Only in this state: \(states).", transform: { try WordArgument.parse($0) })
    var state: Event.State?

    @Option(help: "Only as this consumer stands to them.", transform: { try CursorArguments.consumerID($0) })
    var consumer: Consumer.ID?

    @Option(help: "Only of this type: \(kinds).", transform: { try WordArgument.parse($0) })
    var type: Event.Kind?

    @Option(help: "Only received at or after this time.", transform: { try TimeArgument.parse($0) })
    var since: Timestamp?

    @Option(help: "Only received before this time.", transform: { try TimeArgument.parse($0) })
    var until: Timestamp?

    var query: [(name: String, value: String?)] {
        [
            ("source", source?.rawValue), ("state", state?.rawValue), ("consumer", consumer?.rawValue),
            ("type", type?.rawValue), ("since", since?.iso8601), ("until", until?.iso8601),
        ]
    }
}

extension EventListing {
    var table: Table {
        var table = Table([
            ("SEQ", .trailing), ("ID", .leading), ("SOURCE", .leading), ("TYPE", .leading),
            ("EVENT", .leading), ("RECEIVED", .leading), ("CONSUMER", .leading), ("STATE", .leading),
            ("EMISSIONS", .trailing),
        ])
        for row in events {
            table.add([
                .init("\(row.seq)"), .init(row.id), .init(row.source), .init(row.type),
                .init(row.platformEvent), .init(row.receivedAt), .init(row.consumer ?? "-"),
                .state(row.state), .init("\(row.emissions)"),
            ])
        }
        return table
    }
}

extension Table.Cell {
    /// A state, marked when somebody should look at it.
    static func state(_ state: String) -> Table.Cell {
        let warns = [Event.State.inDoubt, .failed].map(\.rawValue).contains(state)
        return Table.Cell(state, warns ? .warning : .plain)
    }
}
