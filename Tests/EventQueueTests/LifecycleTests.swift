import EventQueue
import Testing

struct LifecycleTests {
    private func lifecycle(_ body: String) throws -> NewEvent {
        try normalised(body, .claudeCode(.lifecycle))
    }

    @Test func `an exit becomes the lifecycle contract with the older fields behind it`() throws {
        let event = try lifecycle(exited)
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_a1b2c3d4e5f67890","timestamp":"2025-01-15T10:30:00.000Z","source":"other",\#
                "type":"actor.stopped","provenance":{"platform":"claude-code",\#
                "platform_event":"session.completed","author":"claude-code","author_type":"bot",\#
                "session_id":"sess-abc123","working_directory":"/home/user/my-project"},"payload":{\#
                "lifecycle":{"phase":"completed","terminal":true,"outcome":"success","reason":"exit_code_0",\#
                "dedupe_key":"claude-code:sess-abc123:completed"},"session":{"id":"sess-abc123",\#
                "adapter":"claude-code","harness":"claude-code","cwd":"/home/user/my-project",\#
                "ended_at":"2025-01-15T10:30:00.000Z","exit_status":0},\#(exited.dropFirst())}
                """#)
        #expect(event.platformEvent == "session.completed")
    }

    @Test(arguments: [
        ("0", "completed", "success", "exit_code_0"), ("1", "failed", "failure", "exit_code_1"),
        ("2.0", "failed", "failure", "exit_code_2"), ("128", "failed", "failure", "exit_code_128"),
        ("-1", "failed", "failure", "exit_code_-1"), ("129", "stopped", "cancelled", "signal_1"),
        ("130", "stopped", "cancelled", "sigint"), ("137", "stopped", "cancelled", "sigkill"),
        ("143", "stopped", "cancelled", "sigterm"), ("1.39e2", "stopped", "cancelled", "signal_11"),
    ])
    func `the exit status decides phase, outcome and reason`(
        status: String, phase: String, outcome: String, reason: String
    ) throws {
        let event = try lifecycle(
            #"{"session_id":"s","working_directory":"","duration_seconds":0,"exit_status":\#(status)}"#)
        #expect(event.kind == .actorStopped)
        #expect(event.platformEvent == "session.\(phase)")
        #expect(
            text(event.envelope).contains(
                #"""
                "payload":{"lifecycle":{"phase":"\#(phase)","terminal":true,"outcome":"\#(outcome)",\#
                "reason":"\#(reason)","dedupe_key":"claude-code:s:\#(phase)"},"session":{"id":"s",\#
                "adapter":"claude-code","harness":"claude-code","ended_at":"\#(receivedText)",\#
                "exit_status":\#(status)},"session_id":"s"
                """#))
    }

    @Test func `a start needs no numbers and has no outcome`() throws {
        let event = try lifecycle(#"{"session_id":"s","cwd":"/w","hook_type":"\u0073tart"}"#)
        #expect(event.kind == .resourceChanged)
        #expect(event.platformEvent == "session.started")
        #expect(
            text(event.envelope).hasSuffix(
                #"""
                "payload":{"lifecycle":{"phase":"started","terminal":false,\#
                "dedupe_key":"claude-code:s:started"},"session":{"id":"s","adapter":"claude-code",\#
                "harness":"claude-code","cwd":"/w","started_at":"\#(receivedText)"},"session_id":"s",\#
                "working_directory":"/w","duration_seconds":0,"exit_status":0,"summary":"",\#
                "hook_type":"\u0073tart"}}
                """#))
    }

    @Test func `a start in the seed's format is a change named session started`() throws {
        let event = try normalised(#"{"session_id":"s","cwd":"/w","hook_type":"start","duration_seconds":3}"#)
        #expect(event.kind == .resourceChanged)
        #expect(event.platformEvent == "session.started")
        #expect(
            text(event.envelope).hasSuffix(
                #"""
                "payload":{"session_id":"s","working_directory":"/w","duration_seconds":3,"exit_status":0,\#
                "summary":"","hook_type":"start"}}
                """#))
        #expect(throws: Rejection.self) {
            try normalised(#"{"session_id":"s","cwd":"/w","hook_type":"start","exit_status":"0"}"#)
        }
    }

    @Test(arguments: [#"a\"b"#, #"\u0022,\u007d"#, #"\\"#, #"\ud83d"#, "é😀"])
    func `a session id with escapes stays one valid string inside the dedupe key`(content: String) throws {
        let event = try lifecycle(
            #"{"session_id":"\#(content)","cwd":"/w","duration_seconds":0,"exit_status":0}"#)
        let json = try JSONText(event.envelope)
        let key = try #require(json.value(at: ["payload", "lifecycle", "dedupe_key"]))
        let id = try #require(json.value(at: ["payload", "session", "id"]).flatMap(json.string))
        #expect(json.string(key) == "claude-code:\(id):completed")
        #expect(text(json.raw(key)) == #""claude-code:\#(content):completed""#)
    }

    @Test func `the sender's timestamp is also when the session ended`() throws {
        let event = try lifecycle(exited.dropLast() + #","timestamp":"2024-12-31T23:59:59Z"}"#)
        #expect(text(event.envelope).contains(#""ended_at":"2024-12-31T23:59:59Z""#))
    }
}
