/// The events of Claude Code on which a hook may send a session here.
///
/// The raw values are Claude Code's own names (https://code.claude.com/docs/en/hooks).
enum HookEvent: String, Sendable, CaseIterable {
    /// A session ended; once per session.
    case sessionEnd = "SessionEnd"
    /// Claude finished answering; once per turn.
    case stop = "Stop"
    case sessionStart = "SessionStart"
    case subagentStop = "SubagentStop"
    /// A turn ended with an error of the API.
    case stopFailure = "StopFailure"

    /// What somebody who chose it should know; `nil` when it does what its name says.
    var notice: String? {
        switch self {
        case .stop: "Stop fires once per turn, not once per session; SessionEnd fires once per session"
        case .subagentStop: "SubagentStop fires once for every subagent, several times in a session"
        case .sessionEnd, .sessionStart, .stopFailure: nil
        }
    }

    /// Whether Claude Code runs hooks of the type `http` on it.
    var takesHTTP: Bool { self != .sessionStart }
}
