/// What senders sent, what a poller was handed and what the database holds: the evidence of one run.
package struct HandoverHistory: Sendable {
    /// A 200 that a sender got.
    package struct Acknowledgement: Sendable {
        package let key: String
        package let id: String

        package init(key: String, id: String) {
            self.key = key
            self.id = id
        }
    }

    /// An event as it was handed over; its body carries the idempotency key it was sent under.
    package struct Event: Sendable {
        package let key: String
        package let id: String
        /// The replay that ordered it; `nil` for its first emission.
        package let replay: String?

        package init(key: String, id: String, replay: String? = nil) {
            self.key = key
            self.id = id
            self.replay = replay
        }
    }

    /// One answer to a poll that brought events.
    package struct Batch: Sendable {
        /// The checkpoint that was presented; `nil` by a poller that had saved none.
        package let presented: String?
        /// The checkpoint that was returned.
        package let checkpoint: String
        package let events: [Event]
        /// The events as they came, byte for byte.
        package let text: String
        /// What the service said about it.
        package let isResent: Bool
        /// Whether the poller saved the checkpoint: then the events are its own.
        package let isSaved: Bool

        package init(
            presented: String?, checkpoint: String, events: [Event], text: String, isResent: Bool, isSaved: Bool
        ) {
            self.presented = presented
            self.checkpoint = checkpoint
            self.events = events
            self.text = text
            self.isResent = isResent
            self.isSaved = isSaved
        }
    }

    /// An event in the database.
    package struct Row: Sendable {
        package let key: String
        package let id: String
        package let envelope: String

        package init(key: String, id: String, envelope: String) {
            self.key = key
            self.id = id
            self.envelope = envelope
        }
    }

    /// The keys of all requests, acknowledged or not.
    package var sent: Set<String> = []
    package var acknowledgements: [Acknowledgement] = []
    /// In the order of their arrival.
    package var batches: [Batch] = []
    /// In the order of their `seq`.
    package var rows: [Row] = []

    package init() {}
}
