/// The phases of a session in OrgLoop's lifecycle format.
enum SessionPhase: String {
    case started, completed, failed, stopped

    var isTerminal: Bool { self != .started }

    /// How the session ended; `nil` while it runs.
    var outcome: StaticString? {
        switch self {
        case .started: nil
        case .completed: "success"
        case .failed: "failure"
        case .stopped: "cancelled"
        }
    }

    /// The phase of a session that ended with `exitCode`: beyond 128 a shell reports a signal.
    init(exitCode: Int) {
        switch exitCode {
        case 0: self = .completed
        case 129...: self = .stopped
        default: self = .failed
        }
    }

    /// Why the session is in this phase, in OrgLoop's words; a start has no reason.
    func reason(exitCode: Int) -> String? {
        switch (self, exitCode) {
        case (.started, _): nil
        case (.stopped, 130): "sigint"
        case (.stopped, 137): "sigkill"
        case (.stopped, 143): "sigterm"
        case (.stopped, _): "signal_\(exitCode - 128)"
        default: "exit_code_\(exitCode)"
        }
    }
}
