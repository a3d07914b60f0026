import ArgumentParser
import EventQueue

/// Which kept requests are meant.
struct QuarantineSelection: ParsableArguments {
    @Argument(help: "Numbers of requests.")
    var ids: [Int] = []

    @Flag(help: "All that are kept, with --source those of one source.")
    var all = false

    @Option(help: "With --all, only of this source.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    func validate() throws {
        if all == !ids.isEmpty {
            throw ValidationError(all ? "--all and numbers exclude each other." : "Name numbers, or --all.")
        }
        if source != nil, !all { throw ValidationError("--source goes with --all.") }
    }

    /// Gives an order about each request that is meant, and goes on where one is not there or stays.
    ///
    /// - Parameters:
    ///   - call: The last part of the order's path.
    ///   - report: Told of every answer.
    /// - Throws: ``CommandFailure`` when the service carries nothing out any more; it tells how far this came.
    func order(
        _ call: String, body: String, doing verb: String, _ service: ServiceConnection,
        report: (Int, ServiceConnection.Reply) throws -> Void
    ) async throws -> QuarantineTally {
        let numbers = try await numbers(service)
        var progress = Progress(verb, total: numbers.count)
        defer { progress.end() }
        var tally = QuarantineTally()
        for number in numbers {
            do {
                let reply = try await service.post("/v1/quarantine/\(number)/\(call)", body: body)
                try tally.count(reply, of: number)
                try report(number, reply)
            } catch let failure as CommandFailure where numbers.count > 1 {
                throw CommandFailure(
                    message: "\(failure.message), at request \(number); before it \(tally.done) of "
                        + "\(counted(numbers.count, "request")) \(tally.done == 1 ? "was" : "were") done",
                    mend: failure.mend)
            }
            progress.show(tally.total)
        }
        return tally
    }

    /// The numbers that are meant, each once; those of `--all` as they are now.
    private func numbers(_ service: ServiceConnection) async throws -> [Int] {
        guard all else {
            var seen: Set<Int> = []
            return ids.filter { seen.insert($0).inserted }
        }
        try await service.requireKnown(source: source)
        var found: [Int] = []
        var after: Int?
        repeat {
            let query = [
                ("source", source?.rawValue), ("after", after.map(String.init)), ("limit", "\(Limits.pageRowsMax)"),
            ]
            let page = try await service.get("/v1/quarantine", query).decoded(QuarantineListing.self)
            found += page.quarantine.map(\.id)
            after = page.next
        } while after != nil
        return found
    }
}

/// Has kept requests become events after a mend.
struct QuarantineRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Makes events of requests in quarantine, with their source as it is configured now.",
        discussion: """
            The events come behind those that are stored already. Each keeps its idempotency key, so a delivery that \
            came in meanwhile is not stored twice. What still cannot become an event stays, with the reason of this \
            time, and the exit code is 1. A request whose key \
            belongs to an event with another body is stored beside it with --new-key: then neither its headers nor its \
            body name the delivery, of a batch for none of its events. Each order is recorded.

            EXAMPLE
              orgloop-queue quarantine retry 7 8
              orgloop-queue quarantine retry --all --source ci --reason 'kind mended'
            """)

    @OptionGroup var selection: QuarantineSelection

    @Flag(help: "Store it under no idempotency key.")
    var newKey = false

    @Option(help: "Why; it is recorded.")
    var reason: String?

    @Option(help: "Who orders it (default: your login name).")
    var actor: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object a request.")
    var json = false

    func validate() throws { try AuditNote.check(reason: reason ?? "-", actor: actor) }

    private struct Retried: Decodable {
        let eventIds: [String]
        let duplicate: Bool
    }

    mutating func run() async throws {
        let members: [(String, String?)] = [
            ("actor", JSONOutput.quoted(AuditNote.actor(actor))), ("reason", reason.map(JSONOutput.quoted)),
            ("new_key", newKey ? "true" : nil),
        ]
        let body = JSONOutput.object(members.compactMap { name, value in value.map { (name, $0) } })
        let tally = try await options.withService { service, _ in
            try await selection.order("retry", body: body, doing: "retrying", service, report: report)
        }
        if tally.total == 0 { StandardStream.error.say("nothing is in quarantine") }
        try tally.requireCompletion(of: selection, place: options.arguments)
    }

    private func report(_ number: Int, _ reply: ServiceConnection.Reply) throws {
        guard !json else {
            return try StandardStream.output.write(
                line: JSONOutput.object([("id", "\(number)"), ("status", "\(reply.status)"), ("answer", reply.text)]))
        }
        guard reply.status == 200 else { return StandardStream.error.say(reply.refusal(of: number)) }
        let retried = try reply.decoded(Retried.self)
        let events = retried.eventIds.joined(separator: " ")
        try StandardStream.output.write(
            line: "\(number): \(retried.duplicate ? "was delivered before as" : "is now") \(events)")
    }
}

/// Gives kept requests up.
struct QuarantineDiscardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Deletes requests in quarantine for good.",
        discussion: """
            The body is gone; that the request was discarded, by whom and why, is recorded. A number that is not in \
            quarantine does not stop the others, and the exit code is 1.

            EXAMPLE
              orgloop-queue quarantine discard 7 --reason 'a test'
            """)

    @OptionGroup var selection: QuarantineSelection

    @Option(help: "Why; it is recorded.")
    var reason: String

    @Option(help: "Who orders it (default: your login name).")
    var actor: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws { try AuditNote.check(reason: reason, actor: actor) }

    mutating func run() async throws {
        let body = JSONOutput.object([
            ("actor", JSONOutput.quoted(AuditNote.actor(actor))), ("reason", JSONOutput.quoted(reason)),
        ])
        let tally = try await options.withService { service, _ in
            try await selection.order("discard", body: body, doing: "discarding", service) { number, reply in
                if reply.status != 200 { StandardStream.error.say(reply.refusal(of: number)) }
            }
        }
        let missing = tally.missing.map(String.init).joined(separator: ",")
        try StandardStream.output.write(
            line: json
                ? JSONOutput.object([("discarded", "\(tally.done)"), ("unknown", "[\(missing)]")])
                : "discarded \(counted(tally.done, "request"))")
        try tally.requireCompletion(of: selection, place: options.arguments)
    }
}

extension ServiceConnection.Reply {
    /// Why an order about one request was not carried out; the words may quote what a sender sent.
    fileprivate func refusal(of number: Int) -> String {
        "\(number): \(failure.message) \(failure.mend)".printable
    }
}
