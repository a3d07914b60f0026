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

            Requests whose secret is not configured any more are counted as not checked. Exits 1 if anything is \
            wrong, and says what to do.

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
        let configuration = try options.load()
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

    private func show(_ text: AuditReportText) throws {
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in json ? [text.json] : text.lines(colour: colour) {
            try StandardStream.output.write(line: line)
        }
    }
}

/// A report as `verify` shows it.
struct AuditReportText {
    private let report: AuditReport

    init(_ report: AuditReport) { self.report = report }

    func lines(colour: Bool) -> [String] {
        var table = Table([("CHECK", .leading), ("VERDICT", .leading), ("FIGURES", .leading)])
        for check in report.checks {
            table.add([
                .init(check.name.rawValue), .init(Self.verdict(check), check.verdict == .failed ? .warning : .plain),
                .init(Self.figures(check)),
            ])
        }
        return table.lines(colour: colour) + report.checks.flatMap(Self.failures) + report.notes.map { "\n\($0)" }
    }

    var json: String {
        let checks = report.checks.map { check in
            JSONOutput.object([
                ("name", JSONOutput.quoted(check.name.rawValue)),
                ("verdict", JSONOutput.quoted(check.verdict.rawValue)),
                ("figures", JSONOutput.object(check.figures.map { ($0.name, "\($0.value)") })),
                ("failures", "\(check.failures)"),
                ("examples", JSONOutput.array(check.examples.map(JSONOutput.quoted))),
                ("mend", check.mend.map(JSONOutput.quoted) ?? "null"),
            ])
        }
        return JSONOutput.object([
            ("database", JSONOutput.quoted(report.database)), ("ok", report.isSound ? "true" : "false"),
            ("checks", JSONOutput.array(checks)), ("notes", JSONOutput.array(report.notes.map(JSONOutput.quoted))),
        ])
    }

    private static func verdict(_ check: AuditCheck) -> String {
        check.verdict == .failed ? "FAILED: \(check.failures)" : check.verdict.rawValue
    }

    private static func figures(_ check: AuditCheck) -> String {
        if check.verdict == .skipped { return check.examples.joined() }
        return check.figures.map { "\($0.name.replacingOccurrences(of: "_", with: " ")) \($0.value)" }
            .joined(separator: ", ")
    }

    private static func failures(_ check: AuditCheck) -> [String] {
        guard check.verdict == .failed else { return [] }
        let more = check.failures - check.examples.count
        return ["", "\(check.name.rawValue):"] + check.examples.map { "  \($0)" }
            + (more > 0 ? ["  and \(more) more"] : []) + (check.mend.map { ["  \($0)"] } ?? [])
    }
}

/// What the verbs that look at a database file have in common.
enum AuditVerb {
    /// Runs `body` and turns a refusal into words and a mend.
    static func run<Result>(_ body: () throws -> Result) throws -> Result {
        // A file that may not grow and a reader that went away are errors of a call.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        do {
            return try body()
        } catch let refusal as StartRefusal {
            throw CommandFailure(message: refusal.message, mend: refusal.mend)
        } catch let refusal as AuditRefusal {
            throw CommandFailure(message: refusal.message, mend: refusal.mend)
        }
    }
}

extension Progress {
    /// Shows how far the engine is.
    mutating func show(_ progress: AuditProgress) {
        show(
            progress.stage, progress.done, of: progress.total,
            unit: progress.unit == .bytes ? .bytes : .count)
    }
}
