extension Secret {
    /// A secret that a source is configured with, known by its key id alone.
    public struct Use: Sendable, Hashable {
        public let source: Source.ID
        /// The secret's ``Secret/keyID``.
        public let keyID: String
        /// How requests prove that they know it, as the configuration calls it.
        public let scheme: String

        public init(source: Source.ID, keyID: String, scheme: String) {
            self.source = source
            self.keyID = keyID
            self.scheme = scheme
        }
    }

    /// A time in which a secret was in use. One that came back after it was dropped has several.
    public struct Period: Sendable, Equatable {
        public let use: Use
        public let configuredAt: Timestamp
        /// `nil` while it is in use.
        public let droppedAt: Timestamp?

        public init(use: Use, configuredAt: Timestamp, droppedAt: Timestamp?) {
            self.use = use
            self.configuredAt = configuredAt
            self.droppedAt = droppedAt
        }
    }

    /// What another configuration changed about the secrets in use.
    public struct Changes: Sendable, Equatable {
        public var configured: [Use]
        public var dropped: [Use]

        public init(configured: [Use] = [], dropped: [Use] = []) {
            self.configured = configured
            self.dropped = dropped
        }
    }
}
