/// What senders sent, what a poller was handed and what the database holds: the evidence of one run.
struct HandoverHistory: Sendable {
    /// A 200 that a sender got.
    struct Acknowledgement: Sendable {
        let key: String
        let id: String
    }

    /// An event as it was handed over; its body carries the idempotency key it was sent under.
    struct Event: Sendable {
        let key: String
        let id: String
    }

    /// One answer to a poll that brought events.
    struct Batch: Sendable {
        /// The checkpoint that was presented; `nil` by a poller that had saved none.
        let presented: String?
        /// The checkpoint that was returned.
        let checkpoint: String
        let events: [Event]
        /// The events as they came, byte for byte.
        let text: String
        /// What the service said about it.
        let isResent: Bool
        /// Whether the poller saved the checkpoint: then the events are its own.
        let isSaved: Bool
    }

    /// An event in the database.
    struct Row: Sendable {
        let key: String
        let id: String
        let envelope: String
    }

    /// The keys of all requests, acknowledged or not.
    var sent: Set<String> = []
    var acknowledgements: [Acknowledgement] = []
    /// In the order of their arrival.
    var batches: [Batch] = []
    /// In the order of their `seq`.
    var rows: [Row] = []
}
