import EventQueueSQLite
import Foundation

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
        return table.lines(colour: colour) + report.checks.flatMap(Self.failures)
            + SigningKeysText(report.keys).lines(colour: colour) + report.notes.map { "\n\($0)" }
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
            ("checks", JSONOutput.array(checks)), ("keys", SigningKeysText(report.keys).json),
            ("notes", JSONOutput.array(report.notes.map(JSONOutput.quoted))),
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
