import ArgumentParser
import EventQueue
import Foundation

/// Shows the newest events, and those that arrive.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Shows the newest events, one a line, and those that arrive.",
        discussion: """
            It reads beside the consumers: nothing is handed over. With --json each event has its consumers, \
            with its state for each of them. With --follow it goes on until it is \
            interrupted, also across a restart of the service.

            EXAMPLE
              orgloop-queue tail -n 20
              orgloop-queue tail --follow --source claude-code
            """)

    @Flag(name: .shortAndLong, help: "Go on as events arrive.")
    var follow = false

    @Option(name: .customShort("n"), help: "How many of the newest to begin with, 0 to \(Limits.pageRowsMax).")
    var count = 10

    @Option(help: "Only this source.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        guard (0...Limits.pageRowsMax).contains(count) else {
            throw ValidationError("-n is 0 to \(Limits.pageRowsMax).")
        }
    }

    mutating func run() async throws {
        guard follow else {
            return try await options.withService { service, _ in
                try await service.requireKnown(source: source)
                for event in try await newest(service) { try show(event) }
            }
        }
        // A reader that goes away ends a write with an error, and an interrupt ends this quietly.
        signal(SIGPIPE, SIG_IGN)
        let signals = StopSignals(deadline: .seconds(1)) { _ in _exit(0) }
        defer { signals.cancel() }
        let reason = "--follow waits for new events, which nobody receives"
        let last = try await options.withService(onlyRunning: reason) { service, _ in
            try await service.requireKnown(source: source)
            let events = try await newest(service, atLeast: 1)
            for event in events.suffix(count) { try show(event) }
            return events.last?.sequence ?? 0
        }
        var pursuit = EventPursuit(locator: try options.locator(), source: source, last: last)
        while true {
            for event in try await pursuit.next() { try show(event) }
        }
    }

    /// The newest events in the order of arrival.
    private func newest(_ service: ServiceConnection, atLeast least: Int = 0) async throws -> [TailedEvent] {
        let wanted = max(count, least)
        guard wanted > 0 else { return [] }
        var limit = wanted
        while true {
            let reply = try await service.get(
                "/v1/events", [("source", source?.rawValue), ("last", "true"), ("limit", "\(limit)")])
            let (events, rows) = try TailedEvent.list(reply)
            // Every consumer has a row of its own and an event's rows stay together, so that a page may be cut
            // short; one that is half empty was not.
            if events.count >= wanted || rows * 2 <= limit || limit == Limits.pageRowsMax {
                return events.suffix(wanted)
            }
            limit = min(limit * 4, Limits.pageRowsMax)
        }
    }

    private func show(_ event: TailedEvent) throws {
        try StandardStream.output.write(line: json ? event.json : event.line)
    }
}

/// One event of a listing, whoever reads it.
struct TailedEvent {
    let sequence: Int64
    let line: String
    let json: String

    /// The events of a listing, each once, and how many rows the listing has.
    static func list(_ reply: ServiceConnection.Reply) throws -> (events: [TailedEvent], rows: Int) {
        let rows = try reply.decoded(EventListing.self).events
        let texts = JSONOutput.elements(of: "events", in: reply.body)
        guard texts.count == rows.count else { preconditionFailure("both read the same array") }
        var events: [TailedEvent] = []
        var first = 0
        while first < rows.count {
            let row = rows[first]
            let group = rows[first...].prefix { $0.seq == row.seq }
            events.append(
                TailedEvent(
                    sequence: row.seq, line: line(row, group.map(\.state)),
                    json: json(Array(texts[first..<first + group.count]))))
            first += group.count
        }
        return (events, rows.count)
    }

    /// What the rows of an event have in common, and then where it stands for each of its consumers.
    private static func json(_ rows: [[UInt8]]) -> String {
        func members(_ names: [String], of row: [UInt8]) -> [(String, String)] {
            names.map { name in
                (name, JSONOutput.member(name, in: row).map { String(decoding: $0, as: UTF8.self) } ?? "null")
            }
        }
        let consumers = rows.map { JSONOutput.object(members(ofReading, of: $0)) }
        return JSONOutput.object(
            members(ofEvent, of: rows.first ?? []) + [("consumers", JSONOutput.array(consumers))])
    }

    private static let ofEvent = [
        "seq", "id", "source", "type", "platform_event", "received_at", "verification", "idempotency_key",
    ]
    private static let ofReading = [
        "consumer", "state", "emissions", "drained_at", "confirmed_at", "settled_at", "outcome",
    ]

    private static func line(_ row: EventListing.Row, _ states: [String]) -> String {
        // One word for the consumers that agree.
        let distinct = states.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        return [
            row.receivedAt, "\(row.seq)", row.id, row.source, row.type, row.platformEvent,
            distinct.joined(separator: ","),
        ].map(\.printable).joined(separator: "  ")
    }
}

/// Asks for what is new, again and again, and finds the service anew when it has gone.
struct EventPursuit {
    private let locator: ServiceLocator
    private let source: Source.ID?
    private var last: Int64
    private var service: ServiceConnection?
    private var isLost = false
    private var isBehind = true

    /// Twice a second: what a person takes for at once.
    private static let interval: Duration = .milliseconds(500)

    init(locator: ServiceLocator, source: Source.ID?, last: Int64) {
        self.locator = locator
        self.source = source
        self.last = last
    }

    /// Waits for the next time to ask, and returns what has arrived; nothing while the service is away.
    ///
    /// - Throws: ``CommandFailure`` when the service refuses, which it would do again.
    mutating func next() async throws -> [TailedEvent] {
        if !isBehind { try await Task.sleep(for: Self.interval) }
        isBehind = false
        guard let reply = try await ask() else { return [] }
        let events = try TailedEvent.list(reply).events
        isBehind = !events.isEmpty
        last = events.last?.sequence ?? last
        return events
    }

    private mutating func ask() async throws -> ServiceConnection.Reply? {
        do {
            guard let service = try await found() else { return nil }
            let reply = try await service.get(
                "/v1/events",
                [("source", source?.rawValue), ("after", "\(last)"), ("limit", "\(Limits.pageRowsMax)")])
            // It is starting, stopping, or its disk is full: all of that passes.
            guard reply.status != 503 else { return lose() }
            if isLost { StandardStream.error.say("orgloop-queue: the service is back") }
            isLost = false
            return reply
        } catch is CommandFailure {
            return lose()
        }
    }

    private mutating func found() async throws -> ServiceConnection? {
        if let service { return service }
        guard case .running(let found) = try await locator.locate() else { return lose() }
        service = found
        return found
    }

    /// Says once that the service has gone, which the next call of ``ask()`` may find otherwise.
    private mutating func lose<Nothing>() -> Nothing? {
        if !isLost { StandardStream.error.say("orgloop-queue: the service does not answer; waiting for it") }
        isLost = true
        service = nil
        return nil
    }
}
