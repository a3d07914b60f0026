import ArgumentParser
import EventQueue
import Foundation

/// Shows what the queue holds, who reads it, and what waits for a person.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what the queue holds, who reads it, and what waits for a person.",
        discussion: """
            Below the table stands what somebody should look at, with the command that does it.

            EXAMPLE
              orgloop-queue status
              orgloop-queue status --json
            """)

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    mutating func run() async throws {
        let (reply, isStopped) = try await options.withService { service, _ in
            (try await service.get("/v1/status"), service.isStandIn)
        }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let status = try reply.decoded(StatusReport.self)
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        var lines = status.table.lines(colour: colour) + ["", status.sizes]
        if isStopped { lines.append("the service is stopped; this is what its database holds") }
        for line in lines + status.advice(place: options.arguments) {
            try StandardStream.output.write(line: line)
        }
    }
}

extension StatusReport {
    /// One row per source and consumer, and their sums where there are several.
    var table: Table {
        var table = Table([
            ("SOURCE", .leading), ("CONSUMER", .leading), ("PENDING", .trailing), ("OLDEST", .trailing),
            ("DRAINED", .trailing), ("CONFIRMED", .trailing), ("IN DOUBT", .trailing), ("FAILED", .trailing),
            ("QUARANTINE", .trailing), ("SESSION", .leading),
        ])
        for source in sources {
            if source.consumers.isEmpty { table.add(Self.row(source, nil)) }
            for consumer in source.consumers { table.add(Self.row(source, consumer)) }
        }
        if table.rows.count > 1 { table.add(totals) }
        return table
    }

    var sizes: String {
        let events = sources.reduce(0) { $0 + $1.held }
        return "\(counted(events, "event")), database \(Self.size(databaseBytes)), WAL \(Self.size(walBytes))"
    }

    /// What waits for a person, each with the command for it.
    ///
    /// - Parameter place: The flags that lead to the same database.
    func advice(place: [String]) -> [String] {
        let ofConsumers = sources.flatMap { source in
            source.consumers.flatMap { Self.advice(source.id, $0, place) }
        }
        let quarantined = sources.filter { $0.quarantined > 0 }.map { source in
            let lost = source.quarantineDropped
            let dropped = lost > 0 ? ", \(lost) older ones were dropped to make room" : ""
            let command = CommandText.line(["quarantine", "list", "--source", source.id] + place)
            return "\(counted(source.quarantined, "request")) in quarantine that could not become events\(dropped): "
                + command
        }
        let unapplied = configuration.map { [$0.refusal, $0.delay].compactMap(\.self) + $0.restarts } ?? []
        let lines = unapplied + ofConsumers + quarantined
        return lines.isEmpty ? [] : [""] + lines
    }

    private static func advice(_ source: String, _ consumer: ConsumerReport, _ place: [String]) -> [String] {
        let cursor = ["--source", source, "--consumer", consumer.id]
        var lines: [String] = []
        if consumer.count(.inDoubt) > 0 {
            let command = CommandText.line(["replay"] + cursor + ["--in-doubt"] + place + ["--reason", "…"])
            lines.append("\(consumer.count(.inDoubt)) in doubt: \(command)")
        }
        if consumer.count(.replaying) > 0 {
            let command = CommandText.line(["replay", "list"] + cursor + place)
            lines.append("\(consumer.count(.replaying)) waiting in a replay: \(command)")
        }
        if consumer.count(.failed) > 0 {
            let command = CommandText.line(["events"] + cursor + ["--state", "failed"] + place)
            lines.append("\(consumer.count(.failed)) failed: \(command)")
        }
        return lines
    }

    private var totals: [Table.Cell] {
        func sum(_ state: Event.State) -> Table.Cell {
            Self.cell(sources.flatMap(\.consumers).reduce(0) { $0 + $1.count(state) }, state)
        }
        let unread = sources.filter(\.consumers.isEmpty).reduce(0) { $0 + $1.held }
        let pending = sources.flatMap(\.consumers).reduce(unread) { $0 + $1.count(.pending) }
        let oldest = sources.flatMap(\.consumers).compactMap(\.oldestPendingAgeSeconds).max()
        return [
            .init("total", .strong), .init(""), .init("\(pending)"), .init(oldest.map(Self.age) ?? "-"),
            sum(.drained), sum(.confirmed), sum(.inDoubt), sum(.failed),
            .init("\(sources.reduce(0) { $0 + $1.quarantined })"), .init(""),
        ]
    }

    private static func row(_ source: SourceReport, _ consumer: ConsumerReport?) -> [Table.Cell] {
        func count(_ state: Event.State) -> Table.Cell { cell(consumer?.count(state) ?? 0, state) }
        // Nobody reads it yet: everything is pending for whoever comes first.
        let pending = consumer == nil ? Table.Cell("\(source.held)") : count(.pending)
        return [
            Table.Cell(source.id), Table.Cell(consumer?.id ?? "-"), pending,
            Table.Cell(consumer?.oldestPendingAgeSeconds.map(age) ?? "-"), count(.drained),
            count(.confirmed), count(.inDoubt), count(.failed),
            Table.Cell("\(source.quarantined)", source.quarantined > 0 ? .warning : .plain),
            Table.Cell(consumer?.session?.text ?? "-"),
        ]
    }

    private static func cell(_ count: Int, _ state: Event.State) -> Table.Cell {
        Table.Cell("\(count)", count > 0 && [.inDoubt, .failed].contains(state) ? .warning : .plain)
    }
}
