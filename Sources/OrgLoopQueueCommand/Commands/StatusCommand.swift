import ArgumentParser
import EventQueue
import Foundation

/// Shows what the running service holds and who reads it.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what the running service holds and who reads it.",
        discussion: """
            EXAMPLE
              orgloop-queue status
              orgloop-queue status --json
            """)

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    mutating func run() async throws {
        let reply = try await options.withService { service, _ in try await service.get("/v1/status") }
        try reply.requireSuccess()
        guard !json else {
            return try StandardStream.output.write(line: String(decoding: reply.body, as: UTF8.self))
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let status = try? decoder.decode(StatusReport.self, from: Data(reply.body)) else {
            throw CommandFailure(
                message: "the service's status has a form that this version does not know",
                mend: "Use the orgloop-queue of the running service, or --json.")
        }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in status.lines(colour: colour) { try StandardStream.output.write(line: line) }
    }
}

/// The answer of `GET /v1/status` as far as the table shows it.
struct StatusReport: Decodable {
    struct SourceReport: Decodable {
        let id: String
        let events: Int
        let quarantined: Int
        let consumers: [ConsumerReport]
    }

    struct ConsumerReport: Decodable {
        let id: String
        let counts: [String: Int]
        let oldestPendingAgeSeconds: Int64?
        let session: SessionReport?
    }

    struct SessionReport: Decodable {
        let engine: String
        let standing: String
        let openedAt: String
    }

    let sources: [SourceReport]
    let databaseBytes: Int64
    let walBytes: Int64

    /// The table and below it the sizes.
    func lines(colour: Bool) -> [String] {
        var table = Table([
            ("SOURCE", .leading), ("CONSUMER", .leading), ("PENDING", .trailing), ("OLDEST", .trailing),
            ("DRAINED", .trailing), ("CONFIRMED", .trailing), ("IN DOUBT", .trailing), ("FAILED", .trailing),
            ("QUARANTINE", .trailing), ("SESSION", .leading),
        ])
        for source in sources {
            if source.consumers.isEmpty { table.add(Self.row(source, nil)) }
            for consumer in source.consumers { table.add(Self.row(source, consumer)) }
        }
        let sizes = "database \(Self.size(databaseBytes)), WAL \(Self.size(walBytes))"
        return table.lines(colour: colour) + ["", sizes]
    }

    private static func row(_ source: SourceReport, _ consumer: ConsumerReport?) -> [Table.Cell] {
        func count(_ state: Event.State) -> Table.Cell {
            let count = consumer?.counts[state.rawValue] ?? 0
            let warns = (state == .inDoubt || state == .failed) && count > 0
            return Table.Cell("\(count)", warns ? .warning : .plain)
        }
        // Nobody reads it yet: everything is pending for whoever comes first.
        let pending = consumer == nil ? Table.Cell("\(source.events)") : count(.pending)
        let session = consumer?.session.map { "\($0.standing) \($0.engine) since \($0.openedAt)" }
        return [
            Table.Cell(source.id), Table.Cell(consumer?.id ?? "-"), pending,
            Table.Cell(consumer?.oldestPendingAgeSeconds.map(age) ?? "-"), count(.drained),
            count(.confirmed), count(.inDoubt), count(.failed),
            Table.Cell("\(source.quarantined)", source.quarantined > 0 ? .warning : .plain),
            Table.Cell(session ?? "-"),
        ]
    }

    /// An age in its largest unit.
    static func age(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds)s"
        case ..<7200: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }

    /// A size in its largest binary unit.
    static func size(_ bytes: Int64) -> String {
        for (unit, size) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes >= size {
            let tenths = bytes * 10 / size
            return "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(bytes) B"
    }
}
