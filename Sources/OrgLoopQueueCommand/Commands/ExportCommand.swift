import ArgumentParser
import EventQueue
import EventQueueSQLite
import Foundation

/// Writes events as JSON lines, whether or not the service runs.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes events as JSON lines that import reads.",
        discussion: """
            One event a line, in the order of their arrival, up to the newest at the start. Envelope and body are \
            base64, so that they come back byte for byte; both are null for an event that retention has thinned.

            With --output the lines go to FILE.partial, which takes the name FILE when it is whole. An export that \
            was interrupted goes on where it stopped when it is started again. An event that does not have its \
            hash any more is named on standard error, written as it is stored, and makes the exit code 1.

            EXAMPLE
              orgloop-queue export --output events.jsonl
              orgloop-queue export --source claude-code --since 2026-01-01T00:00:00Z | gzip > events.jsonl.gz
            """)

    @Option(help: "File to write (default: standard output).")
    var output: String?

    @Option(help: "Events of this source only.")
    var source: String?

    @Option(help: "Events received at or after this time (ISO 8601 with a zone).")
    var since: String?

    @Option(help: "Events received before this time.")
    var until: String?

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Print a summary as one JSON object; needs --output.")
    var json = false

    func validate() throws {
        if json, output == nil {
            throw ValidationError("--json prints a summary; name a file for the lines with --output.")
        }
        if let output, output.isEmpty || output.hasSuffix("/") {
            throw ValidationError("--output is the name of a file.")
        }
        let selection = try selection()
        if let since = selection.since, let until = selection.until, since >= until {
            throw ValidationError("--until is not after --since, so nothing could be exported.")
        }
    }

    mutating func run() async throws {
        let database = try options.load().database
        let selection = try selection()
        let summary = try AuditVerb.run {
            var export = try Export(database: database, selection)
            defer { export.close() }
            guard let output else { return try write(&export) }
            return try write(&export, to: output, of: database)
        }
        guard summary.damaged == 0 else {
            throw CommandFailure(
                message: "\(summary.damaged) events do not have their hashes any more",
                mend: "They were written as they are stored. A backup that verifies may have them whole.")
        }
    }

    /// To standard output.
    private func write(_ export: inout Export) throws -> Export.Summary {
        // On a terminal the lines are their own progress.
        var progress = StandardStream.output.isTerminal ? nil : Progress("exporting", total: export.total)
        defer { progress?.end() }
        return try export.run {
            try StandardStream.output.write($0)
        } complain: {
            Self.complain($0)
        } _: {
            progress?.show($0)
        }
    }

    private func write(_ export: inout Export, to output: String, of database: String) throws -> Export.Summary {
        let file = try ExportFile(output, of: database)
        let wasStarted = file.isStarted
        let kept = try file.resume(&export)
        if wasStarted {
            StandardStream.error.say(
                kept > 0
                    ? "continuing after \(kept) events"
                    : "starting again: \(output).partial is not the beginning of this export")
        }
        var progress = Progress("exporting", total: export.total)
        let summary: Export.Summary
        do {
            defer { progress.end() }
            summary = try export.run(after: kept) {
                try file.write($0)
            } complain: {
                Self.complain($0)
            } _: {
                progress.show($0)
            }
        }
        let bytes = try file.finish()
        let events = kept + summary.events
        let line =
            json
            ? JSONOutput.object([
                ("events", "\(events)"), ("bytes", "\(bytes)"), ("file", JSONOutput.quoted(output)),
                ("continued_after", "\(kept)"), ("damaged", "\(summary.damaged)"),
            ]) : "\(output): \(events) events, \(StatusReport.size(bytes))"
        try StandardStream.output.write(line: line)
        return summary
    }

    private static func complain(_ damage: String) { StandardStream.error.say("orgloop-queue: \(damage)") }

    private func selection() throws -> Export.Selection {
        var selection = Export.Selection()
        selection.source = try source.map(CursorArguments.sourceID)
        selection.since = try since.map { try Self.time($0, "--since") }
        selection.until = try until.map { try Self.time($0, "--until") }
        return selection
    }

    private static func time(_ text: String, _ option: String) throws -> Timestamp {
        guard let time = Timestamp(iso8601: text) else {
            throw ValidationError("\(option) is a time with a zone: 2026-01-31T12:00:00Z.")
        }
        return time
    }
}
