extension SessionReport {
    /// The event in one of OrgLoop's two formats.
    func draft(of agent: Source.Agent, receivedAt: Timestamp) -> EventDraft {
        let timestamp = sentTimestamp ?? receivedAt.json
        let phase = phase
        // All that is made lies in one place, one part behind the other.
        var json = JSONBytes(capacity: body.bytes.count + 768)
        appendProvenance(agent, to: &json)
        let provenanceEnd = json.bytes.endIndex
        json.literal("{")
        if agent.format == .lifecycle, let phase {
            appendLifecycle(phase, of: agent, at: timestamp, to: &json)
        }
        appendFields(of: agent, to: &json)
        json.literal("}")
        return EventDraft(
            kind: phase?.isTerminal == true ? .actorStopped : .resourceChanged,
            platformEvent: platformEvent(agent.format),
            timestamp: timestamp,
            provenance: json.bytes[..<provenanceEnd],
            payload: json.bytes[provenanceEnd...],
            isHook: hook != nil)
    }

    /// `nil` for a hook that says nothing about its session's course.
    private var phase: SessionPhase? {
        // An exit status beside the hook tells more than that the session is over.
        if let hook { return hook.phase == .completed ? SessionPhase(exitCode: exitCode) : hook.phase }
        return isStart ? .started : SessionPhase(exitCode: exitCode)
    }

    /// The sender's timestamp as it was sent, when it is one.
    private var sentTimestamp: ArraySlice<UInt8>? {
        guard let value = body["timestamp"], let text = body.string(value), Timestamp(iso8601: text) != nil
        else { return nil }
        return body.raw(value)
    }

    private func platformEvent(_ format: Source.SessionFormat) -> String {
        guard let phase else { return hook?.platformEvent ?? "" }
        return Self.platformEvent(phase, format)
    }

    /// The seed's format knows one end only.
    private static func platformEvent(_ phase: SessionPhase, _ format: Source.SessionFormat) -> String {
        format == .sessionExited && phase.isTerminal ? "session.exited" : "session.\(phase.rawValue)"
    }

    private func appendProvenance(_ agent: Source.Agent, to json: inout JSONBytes) {
        json.literal(#"{"platform":"#)
        json.string(agent.platform)
        json.literal(#","platform_event":"#)
        if let phase {
            json.string(Self.platformEvent(phase, agent.format))
        } else if let hook {
            json.literal("\"")
            json.raw(hook.platformEventContent)
            json.literal("\"")
        }
        json.literal(#","author":"#)
        json.string(agent.platform)
        json.literal(#","author_type":"bot","session_id":"#)
        json.raw(sessionID)
        json.literal(#","working_directory":"#)
        json.raw(workingDirectory)
        json.literal("}")
    }

    /// The fields that both formats have.
    private func appendFields(of agent: Source.Agent, to json: inout JSONBytes) {
        json.literal(#""session_id":"#)
        json.raw(sessionID)
        json.literal(#","working_directory":"#)
        json.raw(workingDirectory)
        json.literal(#","duration_seconds":"#)
        json.raw(duration)
        json.literal(#","exit_status":"#)
        json.raw(exitStatus)
        json.literal(#","summary":"#)
        json.raw(summary)
        // Claude Code's events have one name for it; those of the other agents have had two.
        if agent.required == .sessionOnly { json.member("cwd", workingDirectory) }
        appendMembers(Self.optional, to: &json)
        if agent.required == .sessionOnly { appendMembers(Self.ofOtherAgents, to: &json) }
        if hook != nil { appendMembers(Self.ofHooks, to: &json) }
    }

    private static let optional = ["transcript_path", "hook_type", "meta"].map { JSONName($0) }
    private static let ofOtherAgents = ["model"].map { JSONName($0) }
    private static let ofHooks = ["hook_event_name", "reason"].map { JSONName($0) }

    private func appendMembers(_ names: [JSONName], to json: inout JSONBytes) {
        for name in names {
            guard let value = body[name.text] else { continue }
            json.literal(",")
            json.name(name)
            json.raw(body.raw(value))
        }
    }

    /// The members `lifecycle` and `session`, with a comma behind them.
    private func appendLifecycle(
        _ phase: SessionPhase, of agent: Source.Agent, at timestamp: ArraySlice<UInt8>, to json: inout JSONBytes
    ) {
        json.literal(#""lifecycle":{"phase":"#)
        json.string(phase.rawValue)
        json.literal(#","terminal":"#)
        json.boolean(phase.isTerminal)
        if let outcome = phase.outcome {
            json.literal(#","outcome":""#)
            json.literal(outcome)
            json.literal("\"")
        }
        if let reason = phase.reason(exitCode: exitCode) {
            json.literal(#","reason":"#)
            json.string(reason)
        }
        // The id's own escapes stay as they are inside the longer string.
        json.literal(#","dedupe_key":""#)
        json.raw(jsonString(agent.harness).utf8.dropFirst().dropLast())
        json.literal(":")
        json.raw(sessionID.dropFirst().dropLast())
        json.literal(":")
        json.raw(phase.rawValue.utf8)
        json.literal(#""},"session":{"id":"#)
        json.raw(sessionID)
        json.literal(#","adapter":"#)
        json.string(agent.platform)
        json.literal(#","harness":"#)
        json.string(agent.harness)
        if workingDirectory.count > 2 {
            json.literal(#","cwd":"#)
            json.raw(workingDirectory)
        }
        if phase.isTerminal {
            json.literal(#","ended_at":"#)
            json.raw(timestamp)
            json.literal(#","exit_status":"#)
            json.raw(exitStatus)
        } else {
            json.literal(#","started_at":"#)
            json.raw(timestamp)
        }
        json.literal("},")
    }
}
