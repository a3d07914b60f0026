import ArgumentParser
import EventQueue
import EventQueueSQLite
import Foundation

/// Looks whether a database is sound, whether or not the service runs beside it.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Tells whether a database, or a backup of one, is sound.",
        discussion: """
            Reads one snapshot and changes nothing; the service may run. It checks the schema, SQLite's own \
            integrity, the hash of every envelope and body, the signature of every kept request with the secrets \
            of the configuration, the sequence, and that every event was handed over once and stands in one state.

            Requests whose secret is not configured any more are counted as not checked; with which key they were \
            signed, and when that was in use, is told for each key. Exits 1 if anything is wrong, and says what to do.

            EXAMPLE
              orgloop-queue verify
              orgloop-queue verify /backups/queue.db --config /etc/orgloop-queue.yaml
            """)

    @Argument(help: "Database file (default: the service's).")
    var file: String?

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard file == nil || options.database == nil else {
            throw ValidationError("FILE and --database name the same thing; give one of them.")
        }
    }

    mutating func run() async throws {
        if let file { options.database = file }
        let configuration = try configuration()
        let report = try AuditVerb.run {
            var progress = Progress("verifying")
            defer { progress.end() }
            return try Verify(path: configuration.database, sources: configuration.sources.map(\.source))
                .run { progress.show($0) }
        }
        try show(AuditReportText(report))
        guard !report.isSound else { return }
        guard !json else { throw ExitCode(1) }
        let failed = report.checks.filter { $0.verdict == .failed }
        throw CommandFailure(
            message: "\(report.database) is not sound: \(failed.map(\.name.rawValue).joined(separator: ", "))",
            mend: "Each of the checks above says what to do about it.")
    }

    /// A configuration that cannot be used hides no damage: what it says of secrets is used as far as it goes.
    private func configuration() throws -> ServiceConfiguration {
        do {
            return try options.load()
        } catch let failure as ConfigurationFailure {
            let places = try options.loadPlaces()
            let problem = failure.problems.first.map { ": \($0)" } ?? ""
            StandardStream.error.say(
                "orgloop-queue: the configuration cannot be used, so some signatures are not checked\(problem)")
            return places
        }
    }

    private func show(_ text: AuditReportText) throws {
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in json ? [text.json] : text.lines(colour: colour) {
            try StandardStream.output.write(line: line)
        }
    }
}
