import EventQueue
import Testing

/// One of Claude Code's own hook bodies each, as they arrive.
private enum Hook {
    static let stop =
        #"""
        {"session_id":"abc123","prompt_id":"550e8400-e29b-41d4-a716-446655440000",\#
        "transcript_path":"/home/user/.claude/projects/p/abc123.jsonl","cwd":"/home/user/my-project",\#
        "permission_mode":"default","hook_event_name":"Stop","stop_hook_active":false,\#
        "last_assistant_message":"Done: tests pass.","background_tasks":[],"session_crons":[]}
        """#
    static let sessionEnd =
        #"""
        {"session_id":"abc123","transcript_path":"/home/user/.claude/projects/p/abc123.jsonl",\#
        "cwd":"/home/user/my-project","hook_event_name":"SessionEnd","reason":"prompt_input_exit"}
        """#
    static let sessionStart =
        #"""
        {"session_id":"abc123","transcript_path":"/home/user/.claude/projects/p/abc123.jsonl",\#
        "cwd":"/home/user/my-project","hook_event_name":"SessionStart","source":"startup",\#
        "model":"claude-opus-4-1"}
        """#
    static let subagentStop =
        #"""
        {"session_id":"abc123","transcript_path":"/home/user/.claude/projects/p/abc123.jsonl",\#
        "cwd":"/home/user/my-project","permission_mode":"default","hook_event_name":"SubagentStop",\#
        "stop_hook_active":false,"agent_id":"ag_1","agent_type":"Explore",\#
        "agent_transcript_path":"/home/user/.claude/projects/p/ag_1.jsonl",\#
        "last_assistant_message":"Found it."}
        """#

    static func named(_ name: String) -> String { #"{"session_id":"abc123","hook_event_name":"\#(name)"}"# }
}

struct ClaudeCodeHookTests {
    @Test func `a Stop hook's body becomes a session exit`() throws {
        let event = try normalised(Hook.stop)
        #expect(event.isHook)
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_a1b2c3d4e5f67890","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code",\#
                "type":"actor.stopped","provenance":{"platform":"claude-code",\#
                "platform_event":"session.exited","author":"claude-code","author_type":"bot",\#
                "session_id":"abc123","working_directory":"/home/user/my-project"},\#
                "payload":{"session_id":"abc123","working_directory":"/home/user/my-project",\#
                "duration_seconds":0,"exit_status":0,"summary":"Done: tests pass.",\#
                "transcript_path":"/home/user/.claude/projects/p/abc123.jsonl","hook_event_name":"Stop"}}
                """#
        )
    }

    @Test(arguments: [
        (Hook.stop, "actor.stopped", "session.exited", "session.completed"),
        (Hook.sessionEnd, "actor.stopped", "session.exited", "session.completed"),
        (Hook.named("StopFailure"), "actor.stopped", "session.exited", "session.failed"),
        (Hook.sessionStart, "resource.changed", "session.started", "session.started"),
        (Hook.subagentStop, "resource.changed", "subagent.stopped", "subagent.stopped"),
        (Hook.named("PreToolUse"), "resource.changed", "hook.PreToolUse", "hook.PreToolUse"),
        (Hook.named(#"a\"b"#), "resource.changed", "hook.a\"b", "hook.a\"b"),
    ])
    func `each hook has its type and platform event in both formats`(
        body: String, kind: String, exited: String, lifecycle: String
    ) throws {
        for (format, name) in [(Source.SessionFormat.sessionExited, exited), (.lifecycle, lifecycle)] {
            let event = try normalised(body, .claudeCode(format))
            #expect(event.kind.rawValue == kind)
            #expect(event.platformEvent == name)
            #expect(event.isHook)
            let json = try JSONText(event.envelope)
            #expect(json["type"].flatMap(json.string) == kind)
            #expect(json.value(at: ["provenance", "platform_event"]).flatMap(json.string) == name)
            let phase = json.value(at: ["payload", "lifecycle", "phase"]).flatMap(json.string)
            let reportsPhase = format == .lifecycle && name.hasPrefix("session.")
            #expect(phase == (reportsPhase ? String(name.dropFirst("session.".count)) : nil))
            #expect((json.value(at: ["payload", "session"]) != nil) == reportsPhase)
        }
    }

    @Test func `a failed turn counts as exit status 1`() throws {
        let event = try normalised(Hook.named("StopFailure"), .claudeCode(.lifecycle))
        #expect(text(event.envelope).contains(#""outcome":"failure","reason":"exit_code_1""#))
        #expect(text(event.envelope).contains(#""duration_seconds":0,"exit_status":1,"summary":"""#))
    }

    @Test func `a session's end says why, and a missing directory is left out of the session`() throws {
        #expect(
            text(try normalised(Hook.sessionEnd).envelope)
                .hasSuffix(#","hook_event_name":"SessionEnd","reason":"prompt_input_exit"}}"#))
        let event = try normalised(Hook.named("Stop"), .claudeCode(.lifecycle))
        #expect(text(event.envelope).contains(#""working_directory":"""#))
        #expect(!text(event.envelope).contains(#""cwd""#))
    }

    @Test func `only the session id is required of a hook`() throws {
        #expect(throws: Rejection.self) { try normalised(#"{"hook_event_name":"Stop","cwd":"/w"}"#) }
        #expect(throws: Rejection.self) { try normalised(#"{"session_id":"","hook_event_name":"Stop"}"#) }
        #expect(throws: Never.self) {
            try normalised(#"{"session_id":"s","hook_event_name":"Stop","cwd":7}"#)
        }
    }

    @Test func `a body whose hook_event_name is no string is an ordinary one`() throws {
        #expect(throws: Rejection.self) { try normalised(#"{"session_id":"s","hook_event_name":null}"#) }
        let event = try normalised(exited.dropLast() + #","hook_event_name":1}"#)
        #expect(!event.isHook)
        #expect(event.platformEvent == "session.exited")
    }

    @Test func `a long last message is cut between characters, never inside one`() throws {
        let family = "👨‍👩‍👧‍👦"
        func summary(_ message: String) throws -> String {
            let event = try normalised(
                #"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":\#(jsonString(message))}"#
            )
            let json = try JSONText(event.envelope)
            return try #require(json.value(at: ["payload", "summary"]).flatMap(json.string))
        }
        let longest = String(repeating: "é", count: 1999) + family
        #expect(try summary(longest) == longest)
        #expect(try summary(longest + "x") == longest)
        #expect(try summary(longest + "\n\"\u{1}") == longest)
        #expect(try summary(String(repeating: "\"", count: 3000)) == String(repeating: "\"", count: 2000))
    }

    @Test func `a last message that fits is copied as it was sent`() throws {
        let event = try normalised(
            #"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"\u0041\/ \ud83d"}"#)
        #expect(text(event.envelope).contains(#""summary":"\u0041\/ \ud83d""#))
    }
}
