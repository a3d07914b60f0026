import ArgumentParser
import EventQueue

/// Drains a source to standard output, one event a line.
struct PollCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "Drains a source to standard output, one event a line.",
        discussion: """
            Without --consumer it polls as 'orgloop' and takes the events from the engine of that name; name \
            another consumer to read beside the engine.

            The checkpoint is stored (fsync, rename) only after the lines were written: a poll that is killed \
            prints its last batch again rather than losing it. Without --follow it ends when nothing is left.

            EXAMPLE
              orgloop-queue poll claude-code --consumer me --follow
            """)

    @Argument(help: "The source to drain.")
    var source: String

    @Option(help: "Who reads. The default takes the events from the engine of that name.")
    var consumer = Consumer.ID.standard.rawValue

    @Option(help: "Events a batch, 1 to \(Limits.batchEventsMax).")
    var limit = Limits.batchEventsDefault

    @Flag(help: "Wait for more instead of ending.")
    var follow = false

    @Option(help: "Present this checkpoint first instead of the stored one.")
    var checkpoint: String?

    @Option(help: "Where the checkpoint is stored (default: in the state directory, by consumer and source).")
    var state: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print a summary as JSON instead of the events.")
    var json = false

    func validate() throws {
        _ = try CursorArguments.key(source: source, consumer: consumer)
        guard (1...Limits.batchEventsMax).contains(limit) else {
            throw ValidationError("--limit is 1 to \(Limits.batchEventsMax).")
        }
        if json, follow { throw ValidationError("--json sums up when the poll ends; --follow never ends.") }
    }

    mutating func run() async throws {
        let reason = follow ? "--follow waits for new events, which nobody receives" : nil
        try await options.withService(onlyRunning: reason) { try await drain($0, $1) }
    }

    private func drain(_ service: ServiceConnection, _ configuration: ServiceConfiguration) async throws {
        let cursor = try CursorArguments.key(source: source, consumer: consumer)
        let store = CheckpointFile(path: state ?? CheckpointFile.path(for: cursor, configuration))
        var presented = try checkpoint ?? store.load()
        var count = 0
        while true {
            let answer = try await poll(service, cursor, presenting: presented, stored: store)
            if !json { for event in answer.events { try StandardStream.output.write(event + [0x0A]) } }
            count += answer.events.count
            if let warning = answer.warning { StandardStream.error.say("orgloop-queue: \(warning)") }
            // Only now: what is stored says that the lines are out.
            if let checkpoint = answer.checkpoint, checkpoint != presented {
                try store.save(checkpoint)
                presented = checkpoint
            }
            if answer.events.isEmpty, !follow { break }
        }
        guard json else { return }
        let summary = [
            ("events", "\(count)"), ("checkpoint", presented.map(JSONOutput.quoted) ?? "null"),
        ]
        try StandardStream.output.write(line: JSONOutput.object(summary))
    }

    private func poll(
        _ service: ServiceConnection, _ cursor: Cursor.Key, presenting presented: String?,
        stored: CheckpointFile
    ) async throws -> Handover {
        let wait = follow ? Limits.pollWaitMax.milliseconds : 0
        let body = JSONOutput.object([
            ("checkpoint", presented.map(JSONOutput.quoted) ?? "null"), ("limit", "\(limit)"),
            ("wait_ms", "\(wait)"),
        ])
        let reply = try await service.post(cursor, "poll", body: body)
        if let code = reply.code, Self.refusedCheckpoints.contains(code) {
            throw refused(reply, cursor, origin(of: presented, stored))
        }
        return try Handover(reply)
    }

    /// What an operator answers with a resume.
    private static let refusedCheckpoints: Set = [
        ProtocolRefusal.checkpointRegressed.code, ProtocolRefusal.checkpointAhead.code,
        ProtocolRefusal.lineageMismatch.code,
    ]

    private func origin(of presented: String?, _ stored: CheckpointFile) -> String {
        if presented == nil { return "nothing is stored in \(stored.path)" }
        return presented == checkpoint ? "it is the one of --checkpoint" : "it is the one stored in \(stored.path)"
    }

    /// The refusal with the file that the checkpoint came from, and the very command that lets the poll go on.
    private func refused(
        _ reply: ServiceConnection.Reply, _ cursor: Cursor.Key, _ origin: String
    ) -> CommandFailure {
        let command = CommandText.line(
            ["resume", "\(cursor.source)", "--consumer", "\(cursor.consumer)"] + options.arguments
                + ["--reason", "…"])
        return CommandFailure(
            message: "\(reply.failure.message); \(origin)",
            mend: "If this is the right queue, let it go on and poll again: \(command)")
    }
}
