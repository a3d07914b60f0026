import Foundation

/// Whether Claude Code has a hook that sends its sessions here.
struct HookCheck {
    /// What is in a settings file.
    enum Content {
        /// There is none.
        case missing
        case unreadable
        case settings(SettingsText)

        init(_ data: Data?) {
            guard let data else {
                self = .missing
                return
            }
            self = (try? SettingsText(Array(data))).map(Content.settings) ?? .unreadable
        }
    }

    let files: [(path: String, content: Content)]
    /// The URL of the service.
    let url: String
    let isExecutable: (String) -> Bool

    /// Reads the settings of the user and of the project in the current directory.
    static func look(home: String?, url: String) -> HookCheck {
        let paths = HookPlace.allCases.compactMap { $0.path(home: home) }
        return HookCheck(
            files: paths.map { ($0, Content(FileManager.default.contents(atPath: $0))) }, url: url,
            isExecutable: FileManager.default.isExecutableFile)
    }

    var finding: Finding {
        let recogniser = HookRecogniser(url: url)
        var troubles: [Finding] = []
        for (path, content) in files {
            switch content {
            case .missing: continue
            case .unreadable: troubles.append(Self.unreadable(path))
            case .settings(let text):
                let installed = InstalledHook.all(in: text, recogniser, isExecutable: isExecutable)
                if text.disablesAllHooks, text.hooks.contains(where: recogniser.isSentHere) {
                    troubles.append(Self.disabled(path))
                } else if let gone = installed.first(where: { !$0.isRunnable }) {
                    troubles.append(Self.gone(gone, path))
                } else if text.hooks.contains(where: recogniser.isSentHere) {
                    return .ok("hook", "in \(path)")
                }
            }
        }
        return troubles.first
            ?? .warn(
                "hook", "no settings file of Claude Code has a hook that sends here",
                mend: "Add it: orgloop-queue hook install")
    }

    private static func unreadable(_ path: String) -> Finding {
        .warn(
            "hook", "\(path) cannot be read as Claude Code's settings",
            mend: "orgloop-queue hook status tells the line; Claude Code ignores hooks in a file that it cannot read.")
    }

    private static func disabled(_ path: String) -> Finding {
        .warn("hook", "`disableAllHooks` is true in \(path)", mend: "Remove it there; until then no hook runs.")
    }

    private static func gone(_ hook: InstalledHook, _ path: String) -> Finding {
        .warn(
            "hook", "\(path) runs \(hook.target) on \(hook.event), which is not there",
            mend: "Install it again from where the program is now: orgloop-queue hook install")
    }
}
