extension Source {
    /// The id of a source as OrgLoop's configuration names it; routes match on it.
    public struct ID: Identifier {
        public let rawValue: String

        /// Accepts 1 to 128 letters, digits, `-`, `_` and `.`.
        public init?(_ rawValue: String) {
            guard ChosenName.accepts(rawValue) else { return nil }
            self.rawValue = rawValue
        }
    }
}

/// A named reader of the queue; it reads each source independently.
public enum Consumer {
    /// The name of a consumer.
    public struct ID: Identifier {
        public let rawValue: String

        /// Accepts 1 to 128 letters, digits, `-`, `_` and `.`.
        public init?(_ rawValue: String) {
            guard ChosenName.accepts(rawValue) else { return nil }
            self.rawValue = rawValue
        }

        /// The consumer that is meant where none is named.
        public static let standard = ID(known: "orgloop")

        private init(known rawValue: String) { self.rawValue = rawValue }
    }
}

/// A consumer's position in one source.
public enum Cursor {
    /// What a cursor is found by.
    public struct Key: Hashable, Sendable, CustomStringConvertible {
        public let consumer: Consumer.ID
        public let source: Source.ID

        public init(consumer: Consumer.ID, source: Source.ID) {
            self.consumer = consumer
            self.source = source
        }

        public var description: String { "\(consumer) of \(source)" }
    }
}

/// One running engine process of a consumer; opening one fences the one before.
public enum Session {
    /// The name of a session: `ses_` and letters or digits.
    public struct ID: Identifier {
        public let rawValue: String

        public init?(_ rawValue: String) {
            guard MadeName.accepts(rawValue, prefix: "ses_") else { return nil }
            self.rawValue = rawValue
        }
    }
}

extension Replay {
    /// The name of a replay: `rpl_` and letters or digits.
    public struct ID: Identifier {
        public let rawValue: String

        public init?(_ rawValue: String) {
            guard MadeName.accepts(rawValue, prefix: "rpl_") else { return nil }
            self.rawValue = rawValue
        }
    }
}
