/// A change of a settings file, to be shown or made.
struct HookChange {
    /// Whether the file is changed, or only shown as it would be.
    enum Mode { case write, show }

    /// For whom it is told.
    enum Output { case text, json }

    /// What is done to the hooks; the raw value is how it is told.
    enum Kind: String { case installed = "installed on", removed = "removed from" }

    let kind: Kind
    let file: SettingsFile
    let from: SettingsText
    let to: SettingsText
    /// The events whose hooks it is about.
    let events: [String]
    /// What the person should know besides.
    var notices: [String] = []

    init(_ kind: Kind, _ file: SettingsFile, from: SettingsText, to: SettingsText, events: [String]) {
        self.kind = kind
        self.file = file
        self.from = from
        self.to = to
        self.events = events
    }

    /// Tells what the change is, and makes it unless it is only to be shown.
    func carryOut(_ mode: Mode, as output: Output) throws {
        let isChange = from.bytes != to.bytes
        let diff = UnifiedDiff(
            name: file.path, old: file.content.map { String(decoding: $0, as: UTF8.self) },
            new: String(decoding: to.bytes, as: UTF8.self)
        ).lines
        let backup = isChange && mode == .write ? try file.replace(with: to.bytes) : nil
        switch output {
        case .json: try StandardStream.output.write(line: json(isChange, mode, diff, backup))
        case .text:
            if isChange, mode == .show {
                for line in diff { try StandardStream.output.write(line: line) }
            }
            try StandardStream.output.write(line: summary(isChange, mode, backup))
            for notice in notices { try StandardStream.output.write(line: "note: \(notice)") }
        }
    }

    private func summary(_ isChange: Bool, _ mode: Mode, _ backup: String?) -> String {
        let names = events.isEmpty ? "no hook of orgloop-queue" : events.joined(separator: ", ")
        guard isChange else { return "\(file.path) is as it should be: \(names)" }
        let tense = mode == .write ? "" : "would be "
        return "\(file.path): \(tense)\(kind.rawValue) \(names)" + (backup.map { "; backup: \($0)" } ?? "")
    }

    private func json(_ isChange: Bool, _ mode: Mode, _ diff: [String], _ backup: String?) -> String {
        var members = [
            ("file", JSONOutput.quoted(file.path)),
            ("changed", isChange && mode == .write ? "true" : "false"),
            ("events", JSONOutput.array(events.map(JSONOutput.quoted))),
            ("backup", backup.map(JSONOutput.quoted) ?? "null"),
            ("notices", JSONOutput.array(notices.map(JSONOutput.quoted))),
        ]
        if mode == .show {
            members.append(("diff", JSONOutput.array(isChange ? diff.map(JSONOutput.quoted) : [])))
        }
        return JSONOutput.object(members)
    }
}
