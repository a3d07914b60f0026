/// What GitHub's webhooks say about themselves, beside a payload that goes through untouched.
///
/// Events are called what OrgLoop's own connector calls them, so that routes keep matching.
///
/// https://docs.github.com/en/webhooks/webhook-events-and-payloads
struct GitHubReport {
    let body: JSONText
    /// The value of `X-GitHub-Event`.
    let event: String

    /// The header that names the event.
    static let header = "X-GitHub-Event"

    /// - Throws: ``Rejection/missingHeader(name:)`` when the request does not say what happened.
    init(_ body: JSONText, headers: some HeaderLookup) throws(Rejection) {
        guard let event = headers.values(of: Self.header.lowercased()).first, !event.isEmpty else {
            throw .missingHeader(name: Self.header)
        }
        self.body = body
        self.event = event
    }

    func draft(receivedAt: Timestamp) -> EventDraft {
        EventDraft(
            kind: .resourceChanged, platformEvent: platformEvent,
            timestamp: receivedAt.json, provenance: provenance,
            payload: body.raw(body.root))
    }

    private var platformEvent: String {
        let action = body["action"].flatMap(body.string)
        switch (event, action) {
        case ("issue_comment", _), ("pull_request_review_comment", _), (_, nil): return event
        case ("pull_request_review", "submitted"): return "pull_request.review_submitted"
        case ("pull_request", "closed") where body.value(at: ["pull_request", "merged"])?.kind == .true:
            return "pull_request.merged"
        case (_, let action?): return "\(event).\(action)"
        }
    }

    /// The object that the event is about, by its name in the payload.
    private var subject: String? {
        ["review", "comment", "pull_request", "workflow_run", "check_suite", "issue"].first { body[$0] != nil }
    }

    private var provenance: ArraySlice<UInt8> {
        var json = JSONBytes(capacity: 256)
        json.literal(#"{"platform":"github","platform_event":"#)
        json.string(platformEvent)
        if let (login, type) = author {
            json.member("author", body.raw(login))
            let isBot = type.flatMap(body.string) == "Bot" || body.string(login)?.hasSuffix("[bot]") == true
            json.member("author_type", jsonString(isBot ? "bot" : "team_member").utf8)
        }
        json.member("repo", at: ["repository", "full_name"], of: body)
        json.member("pr_author", atFirst: [["pull_request", "user", "login"], ["issue", "user", "login"]], of: body)
        json.member("pr_number", atFirst: [["pull_request", "number"], ["issue", "number"]], of: body)
        if let subject {
            json.member("url", atFirst: [[subject, "html_url"], [subject, "url"]], of: body)
        }
        json.member("review_id", at: ["review", "id"], of: body)
        json.member("review_state", at: ["review", "state"], of: body)
        json.literal("}")
        return json.bytes[...]
    }

    /// Who did it: the author of what the event is about, else who caused it.
    private var author: (login: JSONText.Value, type: JSONText.Value?)? {
        let people = subject.map { [[$0, "user"], [$0, "actor"]] } ?? []
        for path in people + [["sender"]] {
            if let login = body.value(at: path + ["login"]), login.kind == .string {
                return (login, body.value(at: path + ["type"]))
            }
        }
        return nil
    }
}
