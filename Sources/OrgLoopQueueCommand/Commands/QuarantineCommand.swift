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
            newest up to a bound. When its source's configuration is mended it can become an event after all.

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
        let reply = try await options.withService { service, _ in try await service.get("/v1/quarantine", query) }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let listing = try reply.decoded(QuarantineListing.self)
        guard !listing.quarantine.isEmpty else { return StandardStream.error.say("nothing is in quarantine") }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in listing.table.lines(colour: colour) { try StandardStream.output.write(line: line) }
        if let next = listing.next {
            StandardStream.error.say(
                "there is more: " + CommandText.line(["quarantine", "list", "--after", "\(next)"]))
        }
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

/// Shows one request with its body.
struct QuarantineShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one request in quarantine: why it is there, its headers and its body.",
        discussion: """
            The body is printed byte for byte; on a terminal, what would move the cursor is shown as it is written.

            EXAMPLE
              orgloop-queue quarantine show 7
            """)

    @Argument(help: "The request's number.")
    var id: Int

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    private struct Detail: Decodable {
        let id: Int
        let source: String
        let receivedAt: String
        let reason: String
        let detail: String
        let verification: String
        let keyId: String?
        let idempotencyKey: String?
        let bodySha256: String?
        let bytes: Int
        let bodyBase64: String
    }

    mutating func run() async throws {
        let path = "/v1/quarantine/\(id)"
        let reply = try await options.withService { service, _ in try await service.get(path) }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let detail = try reply.decoded(Detail.self)
        let headers = JSONOutput.member("headers", in: reply.body).map { String(decoding: $0, as: UTF8.self) }
        let fields: [(String, String?)] = [
            ("request", "\(detail.id)"), ("source", detail.source), ("received", detail.receivedAt),
            ("reason", "\(detail.reason): \(detail.detail)"),
            (
                "verified",
                [detail.verification, detail.keyId.map { "key \($0)" }].compactMap(\.self).joined(separator: ", ")
            ),
            ("key", detail.idempotencyKey), ("headers", headers), ("sha256", detail.bodySha256),
            ("bytes", "\(detail.bytes)"),
        ]
        for (name, value) in fields {
            guard let value else { continue }
            let label = name.padding(toLength: 10, withPad: " ", startingAt: 0)
            try StandardStream.output.write(line: label + value.printable)
        }
        try StandardStream.output.write(line: "")
        let body = Array(Data(base64Encoded: detail.bodyBase64) ?? Data())
        let isTerminal = StandardStream.output.isTerminal
        try StandardStream.output.write(
            isTerminal ? Array(String(decoding: body, as: UTF8.self).printableLines.utf8) : body)
        try StandardStream.output.write(line: "")
    }
}

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

    /// The numbers that are meant, those of `--all` as they are now.
    func numbers(_ service: ServiceConnection) async throws -> [Int] {
        guard all else { return ids }
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
            Each keeps its idempotency key, so a delivery that came in meanwhile is not stored twice. What still \
            cannot become an event stays, and the exit code is 1. A request whose key belongs to an event with another \
            body is stored beside it with --new-key.

            EXAMPLE
              orgloop-queue quarantine retry 7 8
              orgloop-queue quarantine retry --all --source deploys
            """)

    @OptionGroup var selection: QuarantineSelection

    @Flag(help: "Store it under no idempotency key.")
    var newKey = false

    @Option(help: "Who orders it (default: the user who is logged in); logged.")
    var actor: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object a request.")
    var json = false

    func validate() throws { try AuditNote.check(reason: "-", actor: actor) }

    private struct Retried: Decodable {
        let eventIds: [String]
        let duplicate: Bool
    }

    mutating func run() async throws {
        let body = JSONOutput.object(
            [("actor", JSONOutput.quoted(AuditNote.actor(actor)))] + (newKey ? [("new_key", "true")] : []))
        let (kept, total) = try await options.withService { service, _ in
            let numbers = try await selection.numbers(service)
            var progress = Progress("retrying", total: numbers.count)
            defer { progress.end() }
            var kept = 0
            for (index, number) in numbers.enumerated() {
                let reply = try await service.post("/v1/quarantine/\(number)/retry", body: body)
                if reply.status != 200 { kept += 1 }
                try report(number, reply)
                progress.show(index + 1)
            }
            return (kept, numbers.count)
        }
        guard kept == 0 else {
            throw CommandFailure(
                message: "\(kept) of \(counted(total, "request")) stay in quarantine",
                mend: "Mend the configuration of their source and try again, or discard them.")
        }
    }

    private func report(_ number: Int, _ reply: ServiceConnection.Reply) throws {
        guard !json else {
            return try StandardStream.output.write(
                line: JSONOutput.object([("id", "\(number)"), ("status", "\(reply.status)"), ("answer", reply.text)]))
        }
        guard reply.status == 200 else {
            let failure = reply.failure
            return StandardStream.error.say("\(number): \(failure.message) \(failure.mend)")
        }
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
            EXAMPLE
              orgloop-queue quarantine discard 7 --reason 'a test'
            """)

    @OptionGroup var selection: QuarantineSelection

    @Option(help: "Why; logged.")
    var reason: String

    @Option(help: "Who orders it (default: the user who is logged in); logged.")
    var actor: String?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws { try AuditNote.check(reason: reason, actor: actor) }

    mutating func run() async throws {
        let body = JSONOutput.object([
            ("actor", JSONOutput.quoted(AuditNote.actor(actor))), ("reason", JSONOutput.quoted(reason)),
        ])
        let count = try await options.withService { service, _ in
            let numbers = try await selection.numbers(service)
            var progress = Progress("discarding", total: numbers.count)
            defer { progress.end() }
            for (index, number) in numbers.enumerated() {
                try await service.post("/v1/quarantine/\(number)/discard", body: body).requireSuccess()
                progress.show(index + 1)
            }
            return numbers.count
        }
        try StandardStream.output.write(
            line: json ? JSONOutput.object([("discarded", "\(count)")]) : "discarded \(counted(count, "request"))")
    }
}
