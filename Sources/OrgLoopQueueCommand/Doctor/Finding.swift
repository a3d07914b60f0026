/// What one check of `doctor` found.
struct Finding: Sendable, Equatable {
    /// How bad it is; the raw value is what the table and JSON say.
    enum Level: String, Sendable { case ok, warn, fail }

    /// What was looked at, in a word or two.
    let check: String
    let level: Level
    /// What is the case, in one line.
    let text: String
    /// What to do about it; `nil` when nothing needs to be done.
    let mend: String?

    static func ok(_ check: String, _ text: String) -> Finding {
        Finding(check: check, level: .ok, text: text, mend: nil)
    }

    static func warn(_ check: String, _ text: String, mend: String) -> Finding {
        Finding(check: check, level: .warn, text: text, mend: mend)
    }

    static func fail(_ check: String, _ text: String, mend: String) -> Finding {
        Finding(check: check, level: .fail, text: text, mend: mend)
    }

    /// Its JSON object.
    var json: String {
        JSONOutput.object([
            ("check", JSONOutput.quoted(check)), ("level", JSONOutput.quoted(level.rawValue)),
            ("finding", JSONOutput.quoted(text)), ("mend", mend.map(JSONOutput.quoted) ?? "null"),
        ])
    }

    /// A table of findings, each mend below what it mends.
    static func table(_ findings: [Finding]) -> Table {
        var table = Table([("RESULT", .leading), ("CHECK", .leading), ("FINDING", .leading)])
        for finding in findings {
            let style: Table.Style =
                switch finding.level {
                case .ok: .good
                case .warn: .warning
                case .fail: .bad
                }
            table.add([.init(finding.level.rawValue, style), .init(finding.check), .init(finding.text)])
            if let mend = finding.mend { table.add([.init(""), .init(""), .init("→ \(mend)", .strong)]) }
        }
        return table
    }
}
