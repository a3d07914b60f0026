import ArgumentParser
import EventQueue

/// An operator's recorded answer to a refused checkpoint.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets a consumer go on whose checkpoint was refused.",
        discussion: """
            The next poll is taken as if it presented the last checkpoint, whatever it presents. The order is \
            recorded with actor and reason. --skip-through passes over the events up to and including one.

            A consumer that the queue does not know, because it was dropped or an older backup was restored, \
            reads from the oldest event that is kept.

            EXAMPLE
              orgloop-queue resume claude-code --reason 'restored the backup of Monday'
            """)

    @Argument(help: "The source to go on with.")
    var source: String

    @Option(help: "Why; it is recorded.")
    var reason: String

    @Option(help: "The consumer to let go on.")
    var consumer = Consumer.ID.standard.rawValue

    @Option(help: "Who orders it (default: your login name).")
    var actor: String?

    @Option(help: "The last event to pass over; those passed over are settled as dropped.")
    var skipThrough: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    func validate() throws {
        _ = try CursorArguments.key(source: source, consumer: consumer)
        try AuditNote.check(reason: reason, actor: actor)
        if let skipThrough { _ = try CursorArguments.eventID(skipThrough) }
    }

    mutating func run() async throws {
        let cursor = try CursorArguments.key(source: source, consumer: consumer)
        var members = [
            ("actor", JSONOutput.quoted(AuditNote.actor(actor))), ("reason", JSONOutput.quoted(reason)),
        ]
        if let skipThrough { members.append(("skip_through", JSONOutput.quoted(skipThrough))) }
        let body = JSONOutput.object(members)
        let reply = try await options.withService { service, _ in
            try await service.post(cursor, "resume", body: body)
        }
        let receipt = try reply.decoded(ResumeReceipt.self)
        try StandardStream.output.write(line: json ? reply.text : receipt.line(cursor))
    }
}

/// The answer of `POST …/resume`.
private struct ResumeReceipt: Decodable {
    let passedOver: Int
    /// An older service does not say, and refuses a new one.
    let newReader: Bool?

    func line(_ cursor: Cursor.Key) -> String {
        let skipped = passedOver > 0 ? ", past \(counted(passedOver, "event"))" : ""
        guard newReader == true else { return "\(cursor) goes on at its next poll\(skipped)" }
        return "\(cursor) was not known; it begins with what is kept at its next poll\(skipped)"
    }
}
