/// Claude Code's own hook JSON: the stdin of a command hook, the body of an `http` hook.
///
/// It has no duration, no exit status and no delivery id. `Stop` fires once per turn, so a session makes
/// many events that differ in nothing but their text.
///
/// https://code.claude.com/docs/en/hooks
struct ClaudeCodeHook {
    /// The hook's name, decoded.
    let name: String
    /// The hook's name as it was sent, between its quotes.
    let content: ArraySlice<UInt8>

    /// Recognises a hook's body by its `hook_event_name`; `nil` for any other.
    init?(_ body: JSONText) {
        guard let value = body["hook_event_name"], let name = body.string(value) else { return nil }
        self.name = name
        content = body.content(value)
    }

    /// 1 for a turn that ended with an error, as if the session had failed.
    var exitCode: Int { name == "StopFailure" ? 1 : 0 }

    /// The phase of the session that the hook reports; `nil` when it reports none.
    var phase: SessionPhase? {
        switch name {
        case "Stop", "SessionEnd": .completed
        case "StopFailure": .failed
        case "SessionStart": .started
        default: nil
        }
    }

    /// What happened, for a hook that reports no phase: string content that is JSON as it stands.
    var platformEventContent: [UInt8] {
        name == "SubagentStop" ? Array("subagent.stopped".utf8) : Array("hook.".utf8) + content
    }

    /// The same, decoded.
    var platformEvent: String { name == "SubagentStop" ? "subagent.stopped" : "hook.\(name)" }

    /// Claude's last message, or the summary that its forwarder made, as a JSON string cut to
    /// ``Limits/summaryCharactersMax`` characters.
    func summary(_ body: JSONText) -> ArraySlice<UInt8>? {
        guard let value = body["last_assistant_message"] ?? body["summary"], let text = body.string(value) else {
            return nil
        }
        let summary = text.prefix(Limits.summaryCharactersMax)
        // What needs no cutting is copied as it was sent, lone surrogates and all.
        return summary.endIndex == text.endIndex ? body.raw(value) : jsonStringBytes(summary)[...]
    }
}
