import Foundation

/// Whether Claude Code has a hook that sends its sessions here.
struct HookCheck {
    /// A settings file of Claude Code, as far as this looks into it.
    private struct Settings: Decodable {
        struct Matcher: Decodable {
            let hooks: [Hook]?
        }

        struct Hook: Decodable {
            let command: String?
            let url: String?
        }

        let hooks: [String: [Matcher]]?
    }

    /// What is in a settings file.
    enum Content: Equatable {
        /// There is none.
        case missing
        case unreadable
        /// The commands and URLs of its hooks.
        case hooks([String])

        init(_ data: Data?) {
            guard let data else {
                self = .missing
                return
            }
            guard let settings = try? JSONDecoder().decode(Settings.self, from: data) else {
                self = .unreadable
                return
            }
            let hooks = (settings.hooks ?? [:]).values.joined().flatMap { $0.hooks ?? [] }
            self = .hooks(hooks.flatMap { [$0.command, $0.url].compactMap(\.self) })
        }
    }

    let files: [(path: String, content: Content)]
    /// The URL of the service.
    let url: String

    /// What a hook says that sends to the queue: ours, OrgLoop's own, or one that calls the service by itself.
    private var marks: [String] { ["orgloop-queue hook", "orgloop hook claude-code-stop", url + "/webhook/"] }

    /// Reads the settings of the user and of the project in the current directory.
    static func look(home: String?, url: String) -> HookCheck {
        let user = home.map { [$0 + "/.claude/settings.json"] } ?? []
        let paths = user + [".claude/settings.json", ".claude/settings.local.json"]
        return HookCheck(
            files: paths.map { ($0, Content(FileManager.default.contents(atPath: $0))) }, url: url)
    }

    var finding: Finding {
        for (path, content) in files {
            guard case .hooks(let hooks) = content else { continue }
            if hooks.contains(where: { hook in marks.contains { hook.contains($0) } }) {
                return .ok("hook", "in \(path)")
            }
        }
        if let broken = files.first(where: { $0.content == .unreadable }) {
            return .warn(
                "hook", "\(broken.path) cannot be read as Claude Code's settings",
                mend: "Mend its JSON; Claude Code ignores hooks in a file that it cannot read.")
        }
        return .warn(
            "hook", "no settings file of Claude Code has a hook that sends here",
            mend: "POST session ends to \(url)/webhook/SOURCE as the README shows; orgloop-queue send tries it")
    }
}
