import ArgumentParser
import EventQueue
import Foundation

/// Orders a replay; it is what `replay` does when nothing else is named.
struct ReplayOrderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order",
        abstract: "Orders a replay.",
        discussion: """
            Exactly one selection is given. An order that is sent again with the same --idempotency-key is one \
            order. When nothing of the selection can be handed over again, it says so and exits 1.

            EXAMPLE
              orgloop-queue replay order --in-doubt --reason 'engine crashed at noon'
            """)

    @OptionGroup var selected: ReplaySelectionOptions

    @Option(help: "The source; may be left out where it is clear.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    @Option(help: "Who is to get them again (default: orgloop).", transform: { try CursorArguments.consumerID($0) })
    var consumer: Consumer.ID = .standard

    @Option(help: "Why; it is recorded.")
    var reason: String

    @Option(help: "Who orders it (default: your login name).")
    var actor: String?

    @Flag(help: "Tell what would be handed over and record nothing.")
    var dryRun = false

    @Option(help: "Makes an order that is sent twice one order.")
    var idempotencyKey: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object a source: the service's answer, with the source.")
    var json = false

    func validate() throws {
        let selection = try selected.selection()
        try AuditNote.check(reason: reason, actor: actor)
        if idempotencyKey != nil, source == nil, case .inDoubt = selection {
            throw ValidationError("--idempotency-key names one order, so it needs --source.")
        }
    }

    mutating func run() async throws {
        let selection = try selected.selection()
        try await options.withService { service, _ in
            try await service.requireKnown(source: source, consumer: selection.isInDoubt ? consumer : nil)
            let plan = ReplayPlan(service: service, consumer: consumer, source: source)
            let parts = try await plan.parts(of: selection)
            if idempotencyKey != nil, parts.count > 1 {
                throw ValidationError("--idempotency-key names one order; give the sources one by one.")
            }
            try await order(parts, service)
        }
    }

    /// Orders part after part; those that have nothing to hand over do not stop the others.
    private func order(_ parts: [ReplayPlan.Part], _ service: ServiceConnection) async throws {
        var refusal: CommandFailure?
        var isOrdered = false
        for part in parts {
            let reply = try await service.post("/v1/replays", body: body(for: part))
            if reply.code == ProtocolRefusal.nothingToReplay.code {
                refusal = reply.failure
                continue
            }
            try show(try reply.decoded(ReplayReceipt.self), reply, of: part.source)
            isOrdered = true
        }
        guard !isOrdered else { return }
        throw CommandFailure(
            message: "nothing to replay: \(refusal?.message ?? "no event of \(consumer) is in doubt")",
            mend: refusal?.mend ?? "orgloop-queue status shows what there is.")
    }

    private func body(for part: ReplayPlan.Part) -> String {
        var members = [
            ("consumer", JSONOutput.quoted(consumer.rawValue)),
            ("actor", JSONOutput.quoted(AuditNote.actor(actor))), ("reason", JSONOutput.quoted(reason)),
            (
                "select",
                JSONOutput.object(
                    [("source", JSONOutput.quoted(part.source.rawValue))] + part.selection.members)
            ),
        ]
        if dryRun { members.append(("dry_run", "true")) }
        if let idempotencyKey { members.append(("idempotency_key", JSONOutput.quoted(idempotencyKey))) }
        return JSONOutput.object(members)
    }

    private func show(_ receipt: ReplayReceipt, _ reply: ServiceConnection.Reply, of source: Source.ID) throws {
        guard !json else {
            let answer = reply.text.drop { $0 != "{" }.dropFirst()
            return try StandardStream.output.write(
                line: "{\"source\":\(JSONOutput.quoted(source.rawValue))," + answer)
        }
        for line in receipt.lines(Cursor.Key(consumer: consumer, source: source)) {
            try StandardStream.output.write(line: line)
        }
    }
}

/// The selections of a replay, of which one is given.
struct ReplaySelectionOptions: ParsableArguments {
    @Option(
        name: .customLong("event-id"), parsing: .upToNextOption, help: "These events.",
        transform: { try CursorArguments.eventID($0) })
    var eventIDs: [Event.ID] = []

    @Flag(help: "The events of which nobody can tell any more whether the engine finished them.")
    var inDoubt = false

    @Option(help: "The events of this batch.")
    var batch: Int64?

    @Option(help: "The first sequence number of a range.")
    var fromSeq: Int64?

    @Option(help: "The last sequence number of a range.")
    var toSeq: Int64?

    @Option(
        help: "What was received at or after this time: \(TimeArgument.form).",
        transform: { try TimeArgument.parse($0) })
    var since: Timestamp?

    @Option(help: "What was received before this time (default: now).", transform: { try TimeArgument.parse($0) })
    var until: Timestamp?

    /// - Throws: `ValidationError` unless exactly one selection is given, and whole.
    func selection() throws -> ReplaySelection {
        var given: [ReplaySelection] = []
        if !eventIDs.isEmpty { given.append(.events(eventIDs)) }
        if inDoubt { given.append(.inDoubt) }
        if let batch {
            guard batch >= 1 else { throw ValidationError("--batch is 1 or more.") }
            given.append(.batch(batch))
        }
        if let range = try sequences() { given.append(range) }
        if let span = try received() { given.append(span) }
        guard given.count == 1, let selection = given.first else {
            throw ValidationError(
                "Give one of --event-id, --in-doubt, --batch, --from-seq with --to-seq, or --since.")
        }
        return selection
    }

    private func sequences() throws -> ReplaySelection? {
        if fromSeq == nil, toSeq == nil { return nil }
        guard let fromSeq, let toSeq, 1 <= fromSeq, fromSeq <= toSeq else {
            throw ValidationError("--from-seq and --to-seq go together, the first not above the last.")
        }
        return .sequences(from: fromSeq, to: toSeq)
    }

    private func received() throws -> ReplaySelection? {
        if since == nil, until == nil { return nil }
        guard let since else { throw ValidationError("--until needs --since.") }
        let end = until ?? .now()
        guard since < end else { throw ValidationError("--since is to be before --until.") }
        return .received(since: since, until: end)
    }
}
