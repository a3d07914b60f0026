/// A configured sender: id, kind of event, verification.
///
/// An object, because every request has it at hand, and it never changes: a reload makes another.
public final class Source: Sendable {
    /// What a source's requests become.
    public enum Kind: Sendable, Equatable {
        /// Sessions of a coding agent.
        case session(Agent)
        /// GitHub's webhooks.
        case github
        /// Linear's webhooks.
        case linear
        /// Finished OrgLoop events.
        case orgLoopEvent
        /// CloudEvents over HTTP: binary, structured or batched.
        case cloudEvents
        /// Any JSON object; `eventTypeField` is the path of the member that names the platform event.
        case webhook(eventTypeField: [String])

        /// Sessions of Claude Code, of which all is required that OrgLoop's first connector required.
        public static func claudeCode(_ format: SessionFormat) -> Kind { .session(Agent(format: format)) }
    }

    /// A coding agent whose sessions are told of.
    public struct Agent: Sendable, Equatable {
        /// What a report must have.
        public enum Fields: Sendable { case all, sessionOnly }

        /// What the events call it.
        public let platform: String
        /// The program that runs the agent.
        public let harness: String
        public let format: SessionFormat
        public let required: Fields

        /// - Parameter platform: The harness, if it has no other name.
        public init(
            harness: String = "claude-code", platform: String? = nil, format: SessionFormat,
            required: Fields = .all
        ) {
            self.harness = harness
            self.platform = platform ?? harness
            self.format = format
            self.required = required
        }
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
