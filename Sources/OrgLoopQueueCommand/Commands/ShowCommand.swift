import ArgumentParser
import EventQueue
import Foundation

/// Tells everything that the queue knows about one event.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Tells everything that the queue knows about one event.",
        discussion: """
            Its request, every handing-out to every consumer with its outcome, its replays, and the envelope \
            byte for byte as it was stored.

            EXAMPLE
              orgloop-queue show evt_0195f3c8a1b2c3d4
            """)

    @Argument(help: "The event's id.")
    var eventID: String

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    func validate() throws { _ = try CursorArguments.eventID(eventID) }

    mutating func run() async throws {
        let id = try CursorArguments.eventID(eventID)
        let reply = try await options.withService { service, _ in try await service.get("/v1/events/\(id)") }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let report = EventReport(
            id: id, detail: try reply.decoded(), body: reply.body, place: options.arguments)
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in report.lines(colour: colour) { try StandardStream.output.write(line: line) }
        guard let envelope = report.envelope else { return }
        // A terminal obeys bytes that a file only keeps.
        let isTerminal = StandardStream.output.isTerminal
        try StandardStream.output.write(line: "")
        try StandardStream.output.write(
            isTerminal ? Array(String(decoding: envelope, as: UTF8.self).printableLines.utf8) : envelope)
        try StandardStream.output.write(line: "")
    }
}

/// An event laid out for a person.
struct EventReport {
    let id: Event.ID
    let detail: EventDetail
    /// The answer that `detail` was read from.
    let body: [UInt8]
    /// The flags that lead to the same database.
    let place: [String]

    /// The stored bytes; `nil` once retention has thinned the event, and when they no longer have their hash.
    var envelope: [UInt8]? {
        JSONOutput.member("event", in: body).flatMap { $0.first == UInt8(ascii: "{") ? $0 : nil }
    }

    func lines(colour: Bool) -> [String] {
        let readings = detail.consumers.flatMap { lines(of: $0, colour: colour) }
        return head + readings + replays(colour: colour)
    }

    private var isDamaged: Bool { !detail.thinned && envelope == nil }

    private var head: [String] {
        let request = detail.request
        let headers = JSONOutput.member("request", in: body).flatMap { JSONOutput.member("headers", in: $0) }
        let fields: [(String, String?)] = [
            ("event", "\(id), seq \(detail.seq)"), ("source", detail.source),
            ("type", "\(detail.type), \(detail.platformEvent)"), ("received", detail.receivedAt),
            ("damaged", isDamaged ? "the stored envelope no longer has its hash and is never sent" : nil),
            ("thinned", detail.thinned ? "retention dropped the body and the envelope" : nil),
            (
                "verified",
                [request.verification, request.keyId.map { "key \($0)" }].compactMap(\.self)
                    .joined(separator: ", ")
            ),
            ("key", request.idempotencyKey),
            ("repeats", request.duplicates > 0 ? "\(request.duplicates) of the same delivery" : nil),
            ("headers", headers.map { String(decoding: $0, as: UTF8.self) }),
            ("body", request.bodySha256.map { "sha256 \($0)" }),
            ("envelope", detail.envelopeSha256.map { "sha256 \($0)" }),
        ]
        return fields.compactMap { field in
            field.1.map { Self.field(field.0, $0) }
        }
    }

    private func lines(of reading: EventDetail.Reading, colour: Bool) -> [String] {
        guard let consumer = reading.consumer else {
            return ["", "nobody reads the source yet: \(reading.state)"]
        }
        var lines = ["", "consumer \(consumer): \(reading.state)".printable]
        if !reading.emissions.isEmpty {
            lines += Self.table(reading.emissions).lines(colour: colour).map { "  " + $0 }
        }
        if reading.state == Event.State.inDoubt.rawValue {
            let words = ["replay", "--consumer", consumer, "--event-id", "\(id)"] + place + ["--reason", "…"]
            lines += ["  replay it: \(CommandText.line(words))"]
        }
        return lines
    }

    private func replays(colour: Bool) -> [String] {
        guard !detail.replays.isEmpty else { return [] }
        return ["", "replays"] + ReplayListing(replays: detail.replays).table.lines(colour: colour).map { "  " + $0 }
    }

    private static func table(_ emissions: [EventDetail.Emission]) -> Table {
        var table = Table([
            ("NO", .trailing), ("BATCH", .trailing), ("DRAINED", .leading), ("CONFIRMED", .leading),
            ("IN DOUBT", .leading), ("SETTLED", .leading), ("OUTCOME", .leading), ("SESSION", .leading),
            ("REPLAY", .leading), ("DETAIL", .leading),
        ])
        for emission in emissions {
            table.add([
                .init("\(emission.emissionNo)"), .init(emission.batch.map { "\($0)" } ?? "-"),
                .init(emission.drainedAt ?? "-"), .init(emission.confirmedAt ?? "-"),
                .init(emission.inDoubtAt ?? "-"), .init(emission.settledAt ?? "-"),
                .state(emission.outcome ?? "-"), .init(emission.session ?? "-"),
                .init(emission.replayId ?? "-"), .init(emission.detail ?? "-"),
            ])
        }
        return table.withoutEmptyColumns()
    }

    private static func field(_ name: String, _ value: String) -> String {
        name + String(repeating: " ", count: 10 - name.count) + value.printable
    }
}
