import EventQueue
import Testing

struct HookRequestTests {
    private static let stop =
        #"""
        {"session_id":"abc123","prompt_id":"p","transcript_path":"/t.jsonl","cwd":"/home/user/my-project",\#
        "hook_event_name":"Stop","stop_hook_active":false,"last_assistant_message":"Done: tests pass.",\#
        "background_tasks":[],"session_crons":[]}
        """#

    private func made(
        _ hook: String, _ circumstances: HookRequest.Circumstances = .init()
    ) throws -> String {
        text(try HookRequest(hook: Array(hook.utf8), firedAt: received, circumstances: circumstances).body)
    }

    @Test func `a hook becomes a session report with the hook's name and the time of its firing`() throws {
        #expect(
            try made(Self.stop)
                == #"""
                {"session_id":"abc123","working_directory":"/home/user/my-project","duration_seconds":0,\#
                "exit_status":0,"summary":"Done: tests pass.","hook_event_name":"Stop",\#
                "transcript_path":"/t.jsonl","timestamp":"2025-01-15T10:30:00.000Z"}
                """#)
    }

    @Test func `what the caller knows of duration and exit status goes in`() throws {
        let known = HookRequest.Circumstances(duration: "12.5", exitStatus: 130)
        let body = try made(Self.stop, known)
        #expect(body.contains(#""duration_seconds":12.5,"exit_status":130,"#))
        let event = try normalised(body, .claudeCode(.lifecycle))
        #expect(event.platformEvent == "session.stopped")
        #expect(text(event.envelope).contains(#""reason":"sigint""#))
    }

    @Test func `a failed stop has exit status 1 unless the caller knows better`() throws {
        let hook = #"{"session_id":"s","hook_event_name":"StopFailure"}"#
        #expect(try made(hook).contains(#""exit_status":1"#))
        #expect(try made(hook, .init(exitStatus: 2)).contains(#""exit_status":2"#))
    }

    @Test func `the last message is cut at two thousand characters and not inside one`() throws {
        let message = String(repeating: "👨‍👩‍👧‍👦", count: 2100)
        let body = try made(#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"\#(message)"}"#)
        #expect(body.contains("\"" + String(repeating: "👨‍👩‍👧‍👦", count: 2000) + "\""))
        let event = try normalised(body)
        #expect(text(event.envelope).contains("\"" + String(repeating: "👨‍👩‍👧‍👦", count: 2000) + "\""))
    }

    @Test(arguments: ["Stop", "SessionEnd", "SessionStart", "SubagentStop", "StopFailure", "PreToolUse"])
    func `it means the same as the hook's own JSON`(_ name: String) throws {
        let hook = #"{"session_id":"s","cwd":"/w","hook_event_name":"\#(name)","reason":"other"}"#
        for format in [Source.SessionFormat.sessionExited, .lifecycle] {
            let forwarded = try normalised(made(hook), .claudeCode(format))
            let direct = try normalised(hook, .claudeCode(format))
            // It fired when the direct one arrives, so that nothing at all differs.
            #expect(text(forwarded.envelope) == text(direct.envelope))
            #expect(forwarded.isHook)
        }
    }

    @Test func `a tool's deep input does not keep the event from the queue`() throws {
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let hook = #"{"session_id":"s","hook_event_name":"PreToolUse","tool_input":\#(deep)}"#
        #expect(try normalised(made(hook)).platformEvent == "hook.PreToolUse")
    }

    @Test(arguments: ["", "null and void", #"{"session_id":"s""#, #"{"session_id":"s"}}"#])
    func `what is not JSON is not a hook`(_ input: String) {
        #expect(throws: JSONError.self) { try made(input) }
    }

    @Test(arguments: ["[]", "null", #"{"cwd":"/w"}"#])
    func `what has no session is for the queue to refuse`(_ input: String) throws {
        let body = try made(input)
        #expect(throws: Rejection.self) { try normalised(body) }
    }
}
