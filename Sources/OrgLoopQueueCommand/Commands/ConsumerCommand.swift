import ArgumentParser
import EventQueue
import Foundation

/// The verbs about consumers.
struct ConsumerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consumer",
        abstract: "Lists the consumers, and forgets one that is gone for good.",
        discussion: """
            EXAMPLE
              orgloop-queue consumer list
              orgloop-queue consumer drop old-laptop --reason 'replaced in May'
            """,
        subcommands: [ConsumerListCommand.self, ConsumerDropCommand.self])
}

/// Lists who reads what.
struct ConsumerListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists who reads which source, and how far.",
        discussion: """
            EXAMPLE
              orgloop-queue consumer list
            """)

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    mutating func run() async throws {
        let reply = try await options.withService { service, _ in try await service.get("/v1/consumers") }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let report = try reply.decoded(ConsumersReport.self)
        guard !report.consumers.isEmpty else { return StandardStream.error.say("nobody reads the queue yet") }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in report.table.lines(colour: colour) { try StandardStream.output.write(line: line) }
    }
}

/// Forgets a consumer that is gone for good.
struct ConsumerDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Forgets a consumer that is gone for good.",
        discussion: """
            Events are kept until every consumer has confirmed them; one that never comes back keeps them for \
            ever. Dropping it gives up what it has not been handed and has not finished. The order is recorded. \
            A consumer that polls again begins anew. While a session of it is open, its engine may be running, \
            and the drop is refused: stop the engine, or end the session of one that is gone with --force.

            EXAMPLE
              orgloop-queue consumer drop old-laptop --reason 'replaced in May'
            """)

    @Argument(help: "The consumer to forget.", transform: { try CursorArguments.consumerID($0) })
    var consumer: Consumer.ID

    @Option(help: "Why; it is recorded.")
    var reason: String

    @Option(help: "Who orders it (default: your login name).")
    var actor: String?

    @Flag(help: "End open sessions: their engines are refused from then on.")
    var force = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    func validate() throws { try AuditNote.check(reason: reason, actor: actor) }

    mutating func run() async throws {
        if !yes {
            guard isatty(STDIN_FILENO) == 1, StandardStream.error.isTerminal else {
                throw ValidationError("Nobody is there to be asked; say --yes.")
            }
            // Asked between two calls: a person who thinks about it must not hold the database.
            guard try await isConfirmed() else {
                throw CommandFailure(message: "nothing was dropped", mend: "")
            }
        }
        let reply = try await options.withService { service, _ in try await drop(service) }
        if reply.code == ProtocolRefusal.consumerUnknown.code { throw unknown }
        let receipt = try reply.decoded(DropReceipt.self)
        try StandardStream.output.write(line: json ? reply.text : receipt.line)
    }

    private func drop(_ service: ServiceConnection) async throws -> ServiceConnection.Reply {
        var members = [
            ("actor", JSONOutput.quoted(AuditNote.actor(actor))), ("reason", JSONOutput.quoted(reason)),
        ]
        if force { members.append(("force", "true")) }
        let reply = try await service.post(
            "/v1/consumers/\(consumer)/drop", body: JSONOutput.object(members))
        if reply.code == ProtocolRefusal.sessionOpen.code { throw isOpen(try await reader(service)) }
        return reply
    }

    /// What is known of the consumer.
    private func reader(_ service: ServiceConnection) async throws -> ConsumersReport.Reader {
        let report = try await service.get("/v1/consumers").decoded(ConsumersReport.self)
        guard let reader = report.consumers.first(where: { $0.id == consumer.rawValue }) else { throw unknown }
        return reader
    }

    private func isOpen(_ reader: ConsumersReport.Reader) -> CommandFailure {
        let sessions = reader.openSessions.map { "\($0.id): \($0.session.text)".printable }
        return CommandFailure(
            message: "\(consumer) has an open session, so its engine may be running "
                + "(\(sessions.joined(separator: ", "))) (\(ProtocolRefusal.sessionOpen.code))",
            mend: "Stop the engine first; if it is gone already, drop its consumer with --force.")
    }

    private func isConfirmed() async throws -> Bool {
        let reader = try await options.withService { service, _ in try await self.reader(service) }
        guard force || reader.openSessions.isEmpty else { throw isOpen(reader) }
        let sessions = reader.openSessions.isEmpty ? "" : "An engine may be running: its session is ended. "
        let question =
            "\(consumer) reads \(counted(reader.sources.count, "source")); \(counted(reader.pending, "event")) it was "
            + "not handed and \(reader.unfinished) it has not finished are given up. \(sessions)Drop it? [y/N] "
        try StandardStream.error.write(Array(question.utf8))
        let answer = readLine()?.lowercased() ?? ""
        return ["y", "yes"].contains(answer)
    }

    private var unknown: CommandFailure {
        CommandFailure(
            message: "no consumer \(consumer) reads anything (\(ProtocolRefusal.consumerUnknown.code))",
            mend: "orgloop-queue consumer list shows those there are.")
    }
}

/// The answer of `POST /v1/consumers/{consumer}/drop`.
private struct DropReceipt: Decodable {
    let consumer: String
    let sources: Int
    let pending: Int
    let unfinished: Int

    var line: String {
        "dropped \(consumer), which read \(counted(sources, "source")): gave up \(pending) pending and "
            + counted(unfinished, "unfinished event")
    }
}

extension ConsumersReport {
    fileprivate var table: Table {
        var table = Table([
            ("CONSUMER", .leading), ("SOURCE", .leading), ("POSITION", .trailing), ("PENDING", .trailing),
            ("OLDEST", .trailing), ("UNFINISHED", .trailing), ("SESSION", .leading),
        ])
        for reader in consumers {
            for source in reader.sources {
                table.add([
                    .init(reader.id), .init(source.id), .init("\(source.position)"),
                    .init("\(source.count(.pending))"),
                    .init(source.oldestPendingAgeSeconds.map(StatusReport.age) ?? "-"),
                    .init("\(source.unfinished)"), .init(source.session?.text ?? "-"),
                ])
            }
        }
        return table
    }
}
