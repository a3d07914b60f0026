import ArgumentParser
import EventQueue
import Foundation

/// The verbs about replays; ordering one needs no further word.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Hands events over again: a recorded order with an actor and a reason.",
        usage: """
            orgloop-queue replay [--source <source>] [--consumer <consumer>] <selection> \
            --reason <reason> [--actor <actor>] [--dry-run]
            orgloop-queue replay list [--source <source>] [--consumer <consumer>] [--limit <limit>]
            orgloop-queue replay show <replay-id>
            """,
        discussion: """
            The selection is one of:
              --event-id <id> ...             these events
              --in-doubt                      whatever nobody can tell the fate of
              --batch <number>                what was in this batch
              --from-seq <a> --to-seq <b>     these sequence numbers
              --since <time> [--until <time>] what was received then

            Times are ISO 8601 with a zone, or how long ago: 30m, 2h, 7d. Replayed events are handed over before new ones, in the order of arrival, each once per order, with \
            provenance.replay in their envelope. 'orgloop-queue replay order --help' explains every option.

            EXAMPLE
              orgloop-queue replay --in-doubt --reason 'engine crashed at noon'
              orgloop-queue replay --event-id evt_0195f3c8a1b2c3d4 --reason 'route was missing'
              orgloop-queue replay --source claude-code --since 2h --reason 'bad deploy' --dry-run
              orgloop-queue replay list
            """,
        subcommands: [ReplayOrderCommand.self, ReplayListCommand.self, ReplayShowCommand.self],
        defaultSubcommand: ReplayOrderCommand.self)
}

/// Lists the replays that were ordered.
struct ReplayListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists replays, the newest first, and how far each has got.",
        discussion: """
            EXAMPLE
              orgloop-queue replay list --source claude-code
            """)

    @Option(help: "Only of this source.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    @Option(help: "Only to this consumer.", transform: { try CursorArguments.consumerID($0) })
    var consumer: Consumer.ID?

    @Option(help: "Replays, 1 to \(Limits.pageRowsMax).")
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
        let query = [
            ("source", source?.rawValue), ("consumer", consumer?.rawValue), ("limit", "\(limit)"),
        ]
        let reply = try await options.withService { service, _ in
            try await service.requireKnown(source: source, consumer: consumer)
            return try await service.get("/v1/replays", query)
        }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let listing = try reply.decoded(ReplayListing.self)
        guard !listing.replays.isEmpty else { return StandardStream.error.say("no replay was ordered") }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in listing.table.lines(colour: colour) { try StandardStream.output.write(line: line) }
    }
}

/// Tells how far one replay has got.
struct ReplayShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Tells how far one replay has got, event by event.",
        discussion: """
            EXAMPLE
              orgloop-queue replay show rpl_0195f3c8a1b2c3d4
            """)

    @Argument(help: "The replay's id.")
    var replayID: String

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    func validate() throws {
        guard Replay.ID(replayID) != nil else {
            throw ValidationError("'\(replayID)' is not a replay id: rpl_ and letters or digits.")
        }
    }

    mutating func run() async throws {
        let path = "/v1/replays/\(replayID)"
        let reply = try await options.withService { service, _ in try await service.get(path) }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let entry = try reply.decoded(ReplayListing.Entry.self)
        let members = try reply.decoded(ReplayMembers.self).members
        let selection = JSONOutput.member("selection", in: reply.body) ?? []
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        let lines =
            entry.head(selection: String(decoding: selection, as: UTF8.self), members)
            + [""] + ReplayMembers.table(members).lines(colour: colour)
        for line in lines { try StandardStream.output.write(line: line) }
        if entry.events > members.count {
            StandardStream.error.say("and \(entry.events - members.count) more")
        }
    }
}

extension ReplayListing {
    var table: Table {
        var table = Table([
            ("ID", .leading), ("CONSUMER", .leading), ("SOURCE", .leading), ("ACTOR", .leading),
            ("REQUESTED", .leading), ("EVENTS", .trailing), ("EMITTED", .trailing), ("WAITING", .trailing),
            ("SKIPPED", .trailing), ("REASON", .leading),
        ])
        for entry in replays {
            table.add([
                .init(entry.id), .init(entry.reader), .init(entry.source), .init(entry.actor),
                .init(entry.requestedAt), .init("\(entry.events)"), .init("\(entry.emitted)"),
                .init("\(entry.waiting)"), .init("\(entry.skipped)"), .init(entry.reason),
            ])
        }
        return table
    }
}

extension ReplayListing.Entry {
    /// The consumer for a person: one that was dropped keeps its history under a name that nobody can take.
    fileprivate var reader: String {
        consumer.firstIndex(of: "#").map { "\(consumer[..<$0]) (dropped)" } ?? consumer
    }

    fileprivate func head(selection: String, _ members: [ReplayMembers.Member]) -> [String] {
        let counts = Event.State.allCases.compactMap { state -> String? in
            let count = members.count { $0.state == state.rawValue }
            return count > 0 ? "\(count) \(state.rawValue)" : nil
        }
        let progress = "\(emitted) of \(counted(events, "event")) emitted, \(waiting) waiting, \(skipped) skipped"
        return [
            "replay     \(id)", "consumer   \(reader)", "source     \(source)", "requested  \(requestedAt)",
            "actor      \(actor)", "reason     \(reason)", "selection  \(selection)", "progress   \(progress)",
            "states     \(counts.joined(separator: ", "))",
        ].map(\.printable)
    }
}

extension ReplayMembers {
    fileprivate static func table(_ members: [Member]) -> Table {
        var table = Table([("EVENT", .leading), ("EMISSION", .trailing), ("STATE", .leading)])
        for member in members {
            table.add([
                .init(member.eventId), .init(member.emissionNo.map { "\($0)" } ?? "-"), .state(member.state),
            ])
        }
        return table
    }
}
