import OrgLoopConnector

/// What `connector install` tells.
struct ConnectorReport {
    /// Whether the YAML is changed, would be, or is left to a person.
    enum Mode {
        case edit, forecast, show
    }

    let module: ModuleFile
    let plan: ProjectPlan
    let project: String
    let mode: Mode
    let url: String

    var text: String {
        ([moduleLine] + yamlLines).joined(separator: "\n").trimmed
    }

    var json: String {
        let module = JSONOutput.object([
            ("path", JSONOutput.quoted(module.path)), ("action", JSONOutput.quoted(module.action.rawValue)),
        ])
        let changes = plan.changes.map { change in
            JSONOutput.object([
                ("file", JSONOutput.quoted(change.path)),
                ("diff", JSONOutput.quoted(change.diff.joined(separator: "\n"))),
            ])
        }
        let steps = plan.steps.map { step in
            JSONOutput.object([
                ("place", JSONOutput.quoted(step.place)),
                ("yaml", JSONOutput.quoted(step.yaml.joined(separator: "\n"))),
                ("obstacle", step.obstacle.map(JSONOutput.quoted) ?? "null"),
            ])
        }
        return JSONOutput.object([
            ("module", module), ("edited", "\(mode == .edit && plan.obstacles.isEmpty && !plan.isDone)"),
            ("changes", JSONOutput.array(changes)), ("steps", JSONOutput.array(steps)),
            ("moved_sources", JSONOutput.array(plan.moved.map(JSONOutput.quoted))),
        ])
    }

    private var moduleLine: String {
        let version = ConnectorModule.version(of: ConnectorModule.content) ?? 0
        return switch (module.action, mode) {
        case (.keep, _): "\(module.path) is up to date (version \(version))"
        case (.write, .forecast): "would write \(module.path) (version \(version))"
        case (.replace, .forecast): "would replace \(module.path) (by version \(version))"
        case (.write, _): "wrote \(module.path) (version \(version))"
        case (.replace, _): "replaced \(module.path) (by version \(version))"
        }
    }

    /// What changes in the files, line by line; nothing where that is left to a person.
    var difference: [String] {
        guard !plan.isDone, plan.obstacles.isEmpty, mode != .show else { return [] }
        return plan.changes.flatMap(\.diff) + [""]
    }

    private var yamlLines: [String] {
        guard !plan.isDone else { return ["the project reads from the queue and reports to it; nothing to change"] }
        guard plan.obstacles.isEmpty, mode != .show else { return byHand }
        let verb = mode == .edit ? "changed" : "would change"
        let files = plan.changes.map { "\(verb) \($0.path)" }
        return files + senders
    }

    private var byHand: [String] {
        let steps = plan.steps.flatMap { step in
            ["", "# \(step.place)"] + (step.obstacle.map { ["# (by hand: \($0))"] } ?? []) + step.yaml
        }
        let command = CommandText.line(["connector", "install", project, "--edit"])
        let offer = plan.obstacles.isEmpty ? ["", "or have it done: \(command)"] : []
        return ["add to the project:"] + steps + offer + [""] + senders
    }

    private var senders: [String] {
        plan.moved.map { "senders of \($0) post to \(url)/webhook/\($0) from now on" }
            + plan.slow.map { "\($0.id) is polled every \($0.interval), so its events wait that long; 1s suits" }
            + ["restart the engine when it is done"]
    }
}

extension String {
    /// Without empty lines at its end.
    fileprivate var trimmed: String {
        var text = self
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }
}
