import Foundation

/// One hook of ours in a settings file, and whether it can work.
struct InstalledHook {
    let event: String
    let origin: HookOrigin
    /// Whether what it runs is there; true for what runs nothing.
    let isRunnable: Bool

    /// The hooks of ours in `text`.
    static func all(
        in text: SettingsText, _ recogniser: HookRecogniser, isExecutable: (String) -> Bool
    ) -> [InstalledHook] {
        text.ours(recogniser).map { hook in
            let origin = recogniser.origin(of: hook)
            guard case .command(let program) = origin else {
                return InstalledHook(event: hook.event, origin: origin, isRunnable: true)
            }
            // What a shell has to look up, or a variable in it, cannot be judged from here.
            let isKnown = program.hasPrefix("/")
            return InstalledHook(event: hook.event, origin: origin, isRunnable: !isKnown || isExecutable(program))
        }
    }

    /// What it runs or calls.
    var target: String {
        switch origin {
        case .command(let program): program
        case .http(let url): url
        case .wrapped, .orgLoop, .foreign: ""
        }
    }
}

/// A settings file as `hook status` tells of it.
struct HookReport {
    /// `user`, `project`, `local`, or `file` for one that was named.
    let place: String
    let path: String
    var hooks: [InstalledHook] = []
    /// What keeps the hooks from working, or makes sessions arrive twice.
    var troubles: [String] = []
    var isPresent = true
    /// Whether a hook of ours in it can send something here.
    var isWorking = false

    init(place: String, path: String, _ recogniser: HookRecogniser) {
        self.place = place
        self.path = path
        do {
            let file = try SettingsFile(path)
            isPresent = file.content != nil
            read(try file.text(), recogniser)
        } catch {
            troubles = [(error as? CommandFailure)?.message ?? "\(error)"]
        }
    }

    private mutating func read(_ text: SettingsText, _ recogniser: HookRecogniser) {
        hooks = InstalledHook.all(in: text, recogniser, isExecutable: FileManager.default.isExecutableFile)
        let others = text.hooks.filter { recogniser.isSentHere($0) && !recogniser.origin(of: $0).isOurs }
        troubles = others.map { "\($0.event): `\($0.text.printable)` sends here; it is not from hook install" }
        isWorking = !text.disablesAllHooks && !others.isEmpty
        guard !hooks.isEmpty else { return }
        troubles = hooks.filter { !$0.isRunnable }.map { "\($0.event): \($0.target) is not there" }
        if text.disablesAllHooks { troubles.append("`disableAllHooks` is true: no hook runs") }
        troubles += Self.doubles(text, recogniser)
        isWorking = !text.disablesAllHooks && (hooks.contains(where: \.isRunnable) || !others.isEmpty)
    }

    /// OrgLoop's own hooks that post to our port as well.
    static func doubles(_ text: SettingsText, _ recogniser: HookRecogniser) -> [String] {
        text.hooks.compactMap { hook in
            guard !recogniser.origin(of: hook).isOurs, recogniser.isSentHere(hook) else { return nil }
            return "\(hook.event): `\(hook.text)` sends here, too, so each session arrives twice; remove one of the two"
        }
    }

    var json: String {
        let hooks = hooks.map { hook in
            JSONOutput.object([
                ("event", JSONOutput.quoted(hook.event)),
                ("type", JSONOutput.quoted(hook.isHTTP ? "http" : "command")),
                ("target", JSONOutput.quoted(hook.target)), ("runnable", hook.isRunnable ? "true" : "false"),
            ])
        }
        return JSONOutput.object([
            ("place", JSONOutput.quoted(place)), ("file", JSONOutput.quoted(path)),
            ("present", isPresent ? "true" : "false"), ("working", isWorking ? "true" : "false"),
            ("hooks", JSONOutput.array(hooks)), ("troubles", JSONOutput.array(troubles.map(JSONOutput.quoted))),
        ])
    }
}

extension InstalledHook {
    var isHTTP: Bool {
        if case .http = origin { return true }
        return false
    }
}
