/// The stored fact: a sequence number, an id and the envelope exactly as it is emitted.
///
/// The type is a namespace for the event's values; what is stored of one is a ``NewEvent`` on the way
/// in and bytes on the way out.
public enum Event {
    /// The id that senders, engines and people use: `evt_` and letters or digits.
    public struct ID: Identifier {
        public let rawValue: String

        /// Accepts what OrgLoop's SDK accepts: `^evt_[a-zA-Z0-9]+$`, at most 64 characters.
        public init?(_ rawValue: String) {
            guard MadeName.accepts(rawValue, prefix: "evt_") else { return nil }
            self.rawValue = rawValue
        }

        /// Takes a value that is known to have the form because this module made it.
        init(made rawValue: String) {
            self.rawValue = rawValue
        }
    }

    /// The place of an event in the order of all events of one database.
    ///
    /// It rises with every append and is never reused, so it is what decides order; the clock is not.
    public struct Sequence: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
        public let rawValue: Int64

        public init(rawValue: Int64) { self.rawValue = rawValue }

        public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
        public var description: String { String(rawValue) }
    }

    /// The three event types of OrgLoop.
    public enum Kind: String, Sendable, CaseIterable {
        /// An agent's session ended.
        case actorStopped = "actor.stopped"
        /// Something that OrgLoop watches changed.
        case resourceChanged = "resource.changed"
        /// Somebody wrote something.
        case messageReceived = "message.received"
    }

    /// Where an event stands for one consumer; it is in exactly one of these at any time.
    public enum State: String, Sendable, CaseIterable {
        /// Not yet handed to the consumer.
        case pending
        /// In a batch that was sent but whose checkpoint nobody has presented yet.
        case drained
        /// The engine presented the batch's checkpoint, so it has the event.
        case confirmed
        /// The engine's pipeline delivered it.
        case delivered
        /// The engine's pipeline, or an operator who skipped it, dropped it.
        case dropped
        /// No route of the engine matched it.
        case noRoute = "no_route"
        /// The engine failed on it, or its stored envelope no longer has its hash.
        case failed
        /// Nobody can tell any more whether the engine finished it.
        case inDoubt = "in_doubt"
        /// A replay orders it to be emitted again and has not been handed over yet.
        case replaying
    }
}
