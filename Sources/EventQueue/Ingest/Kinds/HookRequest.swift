/// The request that stands for one firing of a Claude Code hook.
///
/// It has the fields of a session report, so that OrgLoop's own receiver takes it too, and the hook's name,
/// by which the queue tells what happened.
package struct HookRequest: Sendable {
    /// What the hook's caller knows and Claude Code does not tell.
    package struct Circumstances: Sendable {
        /// Seconds that the session took, a JSON number; `nil` when nobody knows.
        package var duration: String?
        /// The exit status of the session; `nil` when nobody knows.
        package var exitStatus: Int?

        package init(duration: String? = nil, exitStatus: Int? = nil) {
            self.duration = duration
            self.exitStatus = exitStatus
        }
    }

    /// A JSON object.
    package let body: [UInt8]

    /// What of a hook's own members an event has a use for; the summary stands for Claude's last message.
    private static let kept = ["hook_event_name", "transcript_path", "reason", "hook_type", "meta"]

    /// Deeper than any tool's input, and shallow enough for every parser.
    private static let depthMax = 512

    /// Reads what Claude Code writes to a hook's standard input.
    ///
    /// - Parameter firedAt: When the hook fired, which is the event's time however late it arrives.
    /// - Throws: ``JSONError`` when it is not JSON. Whether it is an event is for the queue to say.
    package init(
        hook input: [UInt8], firedAt: Timestamp, circumstances: Circumstances = .init()
    ) throws(JSONError) {
        // Tools' inputs may be nested deeply; nothing of them goes into the request.
        let text = try JSONText(input, depthMax: Self.depthMax)
        let hook = ClaudeCodeHook(text)
        var json = JSONBytes(capacity: 1024)
        json.literal("{")
        if let id = text["session_id"] { Self.append("session_id", text.raw(id), to: &json) }
        let directory = (text["working_directory"] ?? text["cwd"]).map(text.raw) ?? ArraySlice(#""""#.utf8)
        Self.append("working_directory", directory, to: &json)
        Self.append("duration_seconds", Self.duration(circumstances, text), to: &json)
        Self.append("exit_status", Self.exitStatus(circumstances, text, hook), to: &json)
        let summary = hook?.summary(text) ?? text["summary"].map(text.raw) ?? ArraySlice(#""""#.utf8)
        Self.append("summary", summary, to: &json)
        for name in Self.kept {
            if let value = text[name] { Self.append(name, text.raw(value), to: &json) }
        }
        let timestamp = text["timestamp"].map { Array(text.raw($0)) } ?? jsonStringBytes(firedAt.iso8601)
        json.literal(#""timestamp":"#)
        json.raw(timestamp)
        json.literal("}")
        body = json.bytes
    }

    private static func duration(_ known: Circumstances, _ text: JSONText) -> ArraySlice<UInt8> {
        if let duration = known.duration { return ArraySlice(duration.utf8) }
        return text["duration_seconds"].map(text.raw) ?? ArraySlice("0".utf8)
    }

    private static func exitStatus(
        _ known: Circumstances, _ text: JSONText, _ hook: ClaudeCodeHook?
    ) -> ArraySlice<UInt8> {
        if let status = known.exitStatus { return ArraySlice(String(status).utf8) }
        return text["exit_status"].map(text.raw) ?? ArraySlice(String(hook?.exitCode ?? 0).utf8)
    }

    /// Appends a member and the comma behind it.
    private static func append(_ name: String, _ value: ArraySlice<UInt8>, to json: inout JSONBytes) {
        json.string(name)
        json.literal(":")
        json.raw(value)
        json.literal(",")
    }
}
