import EventQueue
import Testing

/// Takes a body with headers through verification and normalisation.
private func normalised(
    _ body: String, _ kind: Source.Kind, _ headers: (String, String)...
) throws -> NewEvent {
    let source = try source("other", kind)
    let id = try #require(Event.ID("evt_a1b2c3d4e5f67890"))
    return try source.normalise(source.verifier.verify(request(body, TestHeaders(list: headers))), id: id)
}

/// A member of the envelope, as it stands there.
private func member(_ name: String, of event: NewEvent) throws -> String {
    let envelope = try JSONText(event.envelope)
    return text(envelope.raw(try #require(envelope[name])))
}

struct AgentKindTests {
    private let codex = Source.Agent(harness: "codex", format: .lifecycle, required: .sessionOnly)

    @Test func `an agent's session is told under its own name`() throws {
        let body = #"{"session_id":"s\n1","cwd":"/w","exit_status":137,"model":"o9","duration_seconds":1.50}"#
        let event = try normalised(body, .session(codex))
        #expect(event.kind == .actorStopped)
        #expect(event.platformEvent == "session.stopped")
        #expect(
            try member("provenance", of: event)
                == #"""
                {"platform":"codex","platform_event":"session.stopped","author":"codex","author_type":"bot",\#
                "session_id":"s\n1","working_directory":"/w"}
                """#)
        #expect(
            try member("payload", of: event)
                == #"""
                {"lifecycle":{"phase":"stopped","terminal":true,"outcome":"cancelled","reason":"sigkill",\#
                "dedupe_key":"codex:s\n1:stopped"},"session":{"id":"s\n1","adapter":"codex","harness":"codex",\#
                "cwd":"/w","ended_at":"2025-01-15T10:30:00.000Z","exit_status":137},"session_id":"s\n1",\#
                "working_directory":"/w","duration_seconds":1.50,"exit_status":137,"summary":"","cwd":"/w",\#
                "model":"o9"}
                """#)
    }

    @Test func `a platform of its own stands beside the harness`() throws {
        let agent = Source.Agent(
            harness: "codex", platform: "my \"bot\"", format: .lifecycle, required: .sessionOnly)
        let event = try normalised(#"{"session_id":"s"}"#, .session(agent))
        #expect(
            try member("provenance", of: event)
                .hasPrefix(#"{"platform":"my \"bot\"","platform_event":"session.completed","#))
        let payload = try member("payload", of: event)
        #expect(payload.contains(#""dedupe_key":"codex:s:completed""#))
        #expect(payload.contains(#""adapter":"my \"bot\"","harness":"codex""#))
    }

    @Test func `where only the session is required, what is there has to be right all the same`() throws {
        #expect(throws: Never.self) { try normalised(#"{"session_id":"s"}"#, .session(codex)) }
        for body in [
            #"{"session_id":""}"#, #"{"session_id":1}"#, "{}", #"{"session_id":"s","exit_status":"0"}"#,
            #"{"session_id":"s","duration_seconds":"1"}"#, #"{"session_id":"s","cwd":1}"#,
        ] {
            #expect(throws: Rejection.self, "\(body)") { try normalised(body, .session(codex)) }
        }
    }

    @Test func `a start is told as one`() throws {
        let event = try normalised(#"{"session_id":"s","hook_type":"start"}"#, .session(codex))
        #expect(event.kind == .resourceChanged)
        #expect(event.platformEvent == "session.started")
        #expect(try member("payload", of: event).contains(#""started_at":"2025-01-15T10:30:00.000Z""#))
    }
}

struct GitHubKindTests {
    @Test(arguments: [
        ("push", #"{"ref":"main"}"#, "push"),
        ("ping", #"{"zen":"Design for failure.","hook_id":1}"#, "ping"),
        ("issues", #"{"action":"opened","issue":{}}"#, "issues.opened"),
        ("pull_request", #"{"action":"closed","pull_request":{"merged":true}}"#, "pull_request.merged"),
        ("pull_request", #"{"action":"closed","pull_request":{"merged":false}}"#, "pull_request.closed"),
        ("pull_request", #"{"action":"ready_for_review"}"#, "pull_request.ready_for_review"),
        ("pull_request_review", #"{"action":"submitted"}"#, "pull_request.review_submitted"),
        ("pull_request_review", #"{"action":"dismissed"}"#, "pull_request_review.dismissed"),
        ("pull_request_review_comment", #"{"action":"created"}"#, "pull_request_review_comment"),
        ("issue_comment", #"{"action":"created"}"#, "issue_comment"),
        ("workflow_run", #"{"action":"completed"}"#, "workflow_run.completed"),
    ])
    func `an event is called what OrgLoop's connector calls it`(
        _ event: String, _ body: String, _ name: String
    ) throws {
        let made = try normalised(body, .github, ("X-GitHub-Event", event))
        #expect(made.platformEvent == name)
        #expect(made.kind == .resourceChanged)
        #expect(try member("payload", of: made) == body)
    }

    @Test func `author, repository and what it is about go into the provenance, as they were sent`() throws {
        let body = #"""
            {"action":"submitted","review":{"id":12345678901234567890,"state":"approved","html_url":"https://h/r",\#
            "user":{"login":"re\u0076iewer","type":"User"}},"pull_request":{"number":7,"user":{"login":"owner"}},\#
            "repository":{"full_name":"o/r"},"sender":{"login":"someone"}}
            """#
        let event = try normalised(body, .github, ("X-GitHub-Event", "pull_request_review"))
        #expect(
            try member("provenance", of: event)
                == #"""
                {"platform":"github","platform_event":"pull_request.review_submitted","author":"re\u0076iewer",\#
                "author_type":"team_member","repo":"o/r","pr_author":"owner","pr_number":7,"url":"https://h/r",\#
                "review_id":12345678901234567890,"review_state":"approved"}
                """#)
        #expect(try member("payload", of: event) == body)
    }

    @Test(arguments: [#"{"login":"renovate[bot]"}"#, #"{"login":"app","type":"Bot"}"#])
    func `a bot is told from a person`(_ sender: String) throws {
        let event = try normalised(#"{"sender":\#(sender)}"#, .github, ("X-GitHub-Event", "push"))
        #expect(try member("provenance", of: event).contains(#""author_type":"bot""#))
    }

    @Test func `a request that does not name its event is refused`() throws {
        #expect(throws: Rejection.missingHeader(name: "X-GitHub-Event")) { try normalised("{}", .github) }
    }

    @Test(arguments: ["null", "1", #"{"a":[]}"#, "[1]", #""x""#])
    func `members of the wrong kind are left out, and nothing fails`(_ value: String) throws {
        let body =
            #"{"action":\#(value),"review":\#(value),"pull_request":\#(value),"repository":\#(value),"sender":\#(value)}"#
        let event = try normalised(body, .github, ("X-GitHub-Event", "a \"quoted\" event"))
        _ = try JSONText(event.envelope)
        #expect(try member("payload", of: event) == body)
    }
}

struct LinearKindTests {
    @Test(arguments: [
        (#"{"type":"Issue","action":"create","data":{}}"#, "issue.created"),
        (#"{"type":"Comment","action":"create","data":{}}"#, "comment.created"),
        (#"{"type":"Comment","action":"update","data":{}}"#, "comment.update"),
        (#"{"type":"Issue","action":"update","updatedFrom":{"stateId":"x","priority":1}}"#, "issue.state_changed"),
        (#"{"type":"Issue","action":"update","updatedFrom":{"assigneeId":null}}"#, "issue.assignee_changed"),
        (#"{"type":"Issue","action":"update","updatedFrom":{"labelIds":[]}}"#, "issue.labels_changed"),
        (#"{"type":"Issue","action":"update","updatedFrom":{"title":"x"}}"#, "issue.update"),
        (#"{"type":"Issue","action":"remove"}"#, "issue.remove"),
        (#"{"type":"ProjectUpdate","action":"create"}"#, "projectupdate.create"),
    ])
    func `an event is called what OrgLoop's connector calls it`(_ body: String, _ name: String) throws {
        let event = try normalised(body, .linear)
        #expect(event.platformEvent == name)
        #expect(try member("payload", of: event) == body)
    }

    @Test func `author, issue and place go into the provenance`() throws {
        let body = #"""
            {"type":"Issue","action":"update","url":"https://l/i","updatedFrom":{"stateId":"a"},\#
            "actor":{"name":"Ann","isBot":true},"data":{"identifier":"ENG-1","state":{"name":"Done"}}}
            """#
        #expect(
            try member("provenance", of: normalised(body, .linear))
                == #"""
                {"platform":"linear","platform_event":"issue.state_changed","author":"Ann","author_type":"bot",\#
                "issue_id":"ENG-1","state":"Done","url":"https://l/i"}
                """#)
    }

    @Test(arguments: ["{}", #"{"type":"Issue"}"#, #"{"action":"create"}"#, #"{"type":1,"action":"create"}"#])
    func `type and action are required`(_ body: String) {
        #expect(throws: Rejection.self) { try normalised(body, .linear) }
    }
}

struct OrgLoopKindTests {
    private static let event = #"""
        {"id":"evt_theirs","timestamp":"2024-01-02T03:04:05.678Z","source":"theirs","type":"message.received",\#
        "trace_id":"trc_1","provenance":{"platform":"chat","platform_event":"said","n":1.0},"payload":{"a": 1.50}}
        """#

    @Test func `a finished event keeps its type, time, provenance and payload, and gets the queue's id and source`()
        throws
    {
        let event = try normalised(Self.event, .orgLoopEvent)
        #expect(event.kind == .messageReceived)
        #expect(event.platformEvent == "said")
        #expect(event.request.idempotencyKey == "evt_theirs")
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_a1b2c3d4e5f67890","timestamp":"2024-01-02T03:04:05.678Z","source":"other",\#
                "type":"message.received","provenance":{"platform":"chat","platform_event":"said","n":1.0},\#
                "payload":{"a": 1.50}}
                """#)
    }

    @Test func `the sender's idempotency key wins over the event's id`() throws {
        let event = try normalised(Self.event, .orgLoopEvent, ("Idempotency-Key", "mine"))
        #expect(event.request.idempotencyKey == "mine")
    }

    @Test(arguments: [
        "{}", #"{"type":"actor.stopped"}"#, #"{"type":"x","provenance":{"platform":"p"}}"#,
        #"{"type":"actor.stopped","provenance":{"platform":1}}"#, #"{"type":"actor.stopped","provenance":[]}"#,
        #"{"type":"actor.stopped","provenance":{"platform":"p"},"payload":[]}"#,
    ])
    func `what OrgLoop would not take is refused`(_ body: String) {
        #expect(throws: Rejection.self) { try normalised(body, .orgLoopEvent) }
    }
}
