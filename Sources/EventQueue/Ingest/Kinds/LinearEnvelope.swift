/// What Linear's webhooks say about themselves, beside a payload that goes through untouched.
///
/// Events are called what OrgLoop's own connector calls them, so that routes keep matching. An update that
/// changes several things is one event here, called after the first of them.
///
/// https://linear.app/developers/webhooks
struct LinearReport {
    let body: JSONText
    /// What was changed: `Issue`, `Comment`, …
    let type: String
    let action: String

    /// - Throws: ``Rejection/missingField(name:detail:)`` for `type` or `action`.
    init(_ body: JSONText) throws(Rejection) {
        self.body = body
        type = try Self.text("type", body)
        action = try Self.text("action", body)
    }

    func draft(receivedAt: Timestamp) -> EventDraft {
        EventDraft(
            kind: .resourceChanged, platformEvent: platformEvent,
            timestamp: receivedAt.json, provenance: provenance,
            payload: body.raw(body.root))
    }

    private static func text(_ name: String, _ body: JSONText) throws(Rejection) -> String {
        guard let text = body[name].flatMap(body.string), !text.isEmpty else {
            throw .missingField(name: name, detail: "\(name) must be a string that is not empty")
        }
        return text
    }

    private var platformEvent: String {
        switch (type, action) {
        case ("Issue", "create"): return "issue.created"
        case ("Comment", "create"): return "comment.created"
        case ("Issue", "update"):
            let change = Self.changes.first { body.value(at: ["updatedFrom", $0.member]) != nil }
            return change?.event ?? "issue.update"
        default: return "\(type.lowercased()).\(action)"
        }
    }

    /// What `updatedFrom` names, in the order in which OrgLoop tells of it.
    private static let changes: [(member: String, event: String)] = [
        ("state", "issue.state_changed"), ("stateId", "issue.state_changed"),
        ("assigneeId", "issue.assignee_changed"), ("priority", "issue.priority_changed"),
        ("labelIds", "issue.labels_changed"),
    ]

    private var provenance: ArraySlice<UInt8> {
        var json = JSONBytes(capacity: 256)
        json.literal(#"{"platform":"linear","platform_event":"#)
        json.string(platformEvent)
        let people = [["actor"], ["data", "user"], ["data", "creator"], ["data", "assignee"]]
        if let person = people.first(where: { body.value(at: $0 + ["name"])?.kind == .string }) {
            json.member("author", at: person + ["name"], of: body)
            let isBot = body.value(at: person + ["isBot"])?.kind == .true
            json.member("author_type", jsonString(isBot ? "bot" : "team_member").utf8)
        }
        json.member("issue_id", atFirst: [["data", "identifier"], ["data", "issue", "identifier"]], of: body)
        json.member("state", at: ["data", "state", "name"], of: body)
        json.member("url", atFirst: [["data", "url"], ["url"]], of: body)
        json.literal("}")
        return json.bytes[...]
    }
}
