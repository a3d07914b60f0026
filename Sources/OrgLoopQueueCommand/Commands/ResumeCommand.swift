import ArgumentParser
import EventQueue
import Foundation

/// An operator's recorded answer to a refused checkpoint.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets a consumer go on whose checkpoint was refused.",
        discussion: """
            The next poll is taken as if it presented the last checkpoint, whatever it presents. The order is \
            recorded with actor and reason. --skip-through passes over the events up to and including one.

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
        if reason.trimmingCharacters(in: .whitespaces).isEmpty {
            throw ValidationError("--reason is empty; say why, it is recorded.")
        }
        if let skipThrough, Event.ID(skipThrough) == nil {
            throw ValidationError("--skip-through is an event id: evt_ and letters or digits.")
        }
    }

    mutating func run() async throws {
        let cursor = try CursorArguments.key(source: source, consumer: consumer)
        var members = [
            ("actor", JSONOutput.quoted(actor ?? NSUserName())), ("reason", JSONOutput.quoted(reason)),
        ]
        if let skipThrough { members.append(("skip_through", JSONOutput.quoted(skipThrough))) }
        let body = JSONOutput.object(members)
        let reply = try await options.withService { service, _ in
            try await service.post(cursor, "resume", body: body)
        }
        try reply.requireSuccess()
        guard !json else {
            return try StandardStream.output.write(line: String(decoding: reply.body, as: UTF8.self))
        }
        try StandardStream.output.write(line: "\(cursor) goes on at its next poll")
    }
}

/// The two names that most verbs take.
enum CursorArguments {
    static func key(source: String, consumer: String) throws -> Cursor.Key {
        Cursor.Key(consumer: try consumerID(consumer), source: try sourceID(source))
    }

    static func sourceID(_ text: String) throws -> Source.ID {
        guard let id = Source.ID(text) else {
            throw ValidationError("'\(text)' is not a source id: \(form).")
        }
        return id
    }

    static func consumerID(_ text: String) throws -> Consumer.ID {
        guard let id = Consumer.ID(text) else {
            throw ValidationError("'\(text)' is not a consumer id: \(form).")
        }
        return id
    }

    private static let form = "1 to 128 letters, digits, '-', '_' and '.'"
}
