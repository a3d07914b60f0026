/// A configured sender: id, kind of event, verification.
public struct Source: Sendable {
    /// What a source's requests become.
    public enum Kind: Sendable, Equatable {
        /// Claude Code session exits, in one of OrgLoop's two formats.
        case claudeCode(SessionFormat)
        /// Any JSON object; `eventTypeField` is the path of the member that names the platform event.
        case webhook(eventTypeField: [String])
    }

    /// OrgLoop's two envelopes for a session.
    public enum SessionFormat: String, Sendable, CaseIterable {
        /// The seed's: `session.exited`, always `actor.stopped`.
        case sessionExited = "session.exited"
        /// The newer contract: phases, outcome and reason.
        case lifecycle
    }

    public let id: ID
    public let kind: Kind
    public let verifier: Verifier

    public init(id: ID, kind: Kind, verifier: Verifier) {
        self.id = id
        self.kind = kind
        self.verifier = verifier
    }
}
