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

            With --output the lines go to FILE.partial, which takes the name FILE when it is whole. An older export \
            of that name is replaced, another file only with --force. An export that \
            was interrupted goes on where it stopped when it is started again. An event that does not have its \
            hash any more is named on standard error, written as it is stored, and makes the exit code 1.

            EXAMPLE
              orgloop-queue export --output events.jsonl
              orgloop-queue export --source claude-code --since 7d | gzip > events.jsonl.gz
            """)

    @Option(help: "File to write (default: standard output).")
    var output: String?

    @Option(help: "Events of this source only.", transform: { try CursorArguments.sourceID($0) })
    var source: Source.ID?

    @Option(
        help: "Events received at or after this time: \(TimeArgument.form).",
        transform: { try TimeArgument.parse($0) })
    var since: Timestamp?

    @Option(help: "Events received before this time.", transform: { try TimeArgument.parse($0) })
    var until: Timestamp?

    @Flag(help: "Write over a file that is no export.")
    var force = false

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
        if let since, let until, since >= until {
            throw ValidationError("--until is not after --since, so nothing could be exported.")
        }
    }

    mutating func run() async throws {
        let database = try options.loadPlaces().database
        let selection = selection
        let summary = try AuditVerb.run {
            var export = try Export(database: database, selection)
            defer { export.close() }
            guard let output else { return try write(&export) }
            return try write(&export, to: output, of: database)
        }
        guard summary.damaged == 0 else {
            throw CommandFailure(
                message: "\(counted(summary.damaged, "event")) without the right hashes",
                mend: "What is damaged was written as it is stored. A backup that verifies may have it whole.")
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
        let file = try ExportFile(output, of: database, overwriting: force ? .anyFile : .exports)
        let wasStarted = file.isStarted
        let kept = try file.resume(&export)
        if wasStarted {
            StandardStream.error.say(
                kept > 0
                    ? "continuing after \(counted(kept, "event"))"
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
            ]) : "\(output): \(counted(events, "event")), \(StatusReport.size(bytes))"
        try StandardStream.output.write(line: line)
        return summary
    }

    private static func complain(_ damage: String) { StandardStream.error.say("orgloop-queue: \(damage)") }

    private var selection: Export.Selection {
        var selection = Export.Selection()
        selection.source = source
        selection.since = since
        selection.until = until
        return selection
    }
}
