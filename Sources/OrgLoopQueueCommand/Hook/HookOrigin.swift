import Foundation

/// Whose hook an entry of Claude Code's settings is.
enum HookOrigin: Equatable {
    /// `orgloop-queue hook claude-code` and its flags, and nothing else, through this program.
    case command(program: String)
    /// That inside of a command of the user's own, which is left alone.
    case wrapped
    /// Claude Code's own `http` hook, to the webhooks of our service.
    case http(url: String)
    /// `orgloop hook claude-code-stop`, which posts to this port.
    case orgLoop(port: Int)
    case foreign

    /// Whether `hook install` may have written it.
    var isOurs: Bool {
        switch self {
        case .command, .http: true
        case .wrapped, .orgLoop, .foreign: false
        }
    }

    /// Where OrgLoop's engine listens unless it is told otherwise.
    static let orgLoopPort = 4800
}

/// Tells whose hook an entry is, by what it runs or calls.
struct HookRecogniser {
    /// The URL of our service.
    let url: String

    /// The name by which the installed command is recognised.
    static let programName = "orgloop-queue"

    /// - Parameters:
    ///   - command: What the hook runs; `nil` when it runs nothing.
    ///   - arguments: Its `args`, of a hook that is run without a shell.
    ///   - target: The URL that it calls; `nil` when it calls none.
    func origin(command: String?, arguments: [String]?, target: String?) -> HookOrigin {
        if let target, isWebhook(target) { return .http(url: target) }
        guard let command else { return .foreign }
        let words = arguments.map { [command] + $0 } ?? ShellWords.split(command)
        if let index = Self.position(of: [Self.programName, "hook", "claude-code"], in: words) {
            let isAlone = index == 0 && (arguments != nil || ShellWords.isOneCommand(command))
            return isAlone ? .command(program: words[index]) : .wrapped
        }
        if let index = Self.position(of: ["orgloop", "hook", "claude-code-stop"], in: words) {
            return .orgLoop(port: Self.port(words, from: index))
        }
        return .foreign
    }

    /// Whether what a hook says names the webhooks of our service, in whatever way it calls them.
    func isNamed(in text: String) -> Bool { Self.normal(text).contains(Self.normal(url) + "/webhook/") }

    /// The port of our service.
    var port: Int? { URLComponents(string: url)?.port }

    private func isWebhook(_ target: String) -> Bool {
        Self.normal(target).hasPrefix(Self.normal(url) + "/webhook/")
    }

    /// The two spellings of this machine are one.
    private static func normal(_ text: String) -> String {
        text.replacing("://localhost:", with: "://127.0.0.1:")
    }

    /// Where `phrase` begins; its first word is compared with the name of a program without its directory.
    private static func position(of phrase: [String], in words: [String]) -> Int? {
        words.indices.first { index in
            guard words.count - index >= phrase.count else { return false }
            let program = words[index].split(separator: "/").last.map(String.init)
            return [program] + words[index + 1..<index + phrase.count].map(Optional.some) == phrase.map(Optional.some)
        }
    }

    /// The port that OrgLoop's command is told, by flag or by a variable before it.
    private static func port(_ words: [String], from index: Int) -> Int {
        let flags = words[index...]
        if let flag = flags.firstIndex(of: "--port"), flag + 1 < words.count, let port = Int(words[flag + 1]) {
            return port
        }
        let spelt = flags.first { $0.hasPrefix("--port=") } ?? words[..<index].last { $0.hasPrefix("ORGLOOP_PORT=") }
        return spelt?.split(separator: "=").last.flatMap { Int($0) } ?? HookOrigin.orgLoopPort
    }
}
