/// The answer of `GET /v1/events` as far as the verbs show it.
struct EventListing: Decodable {
    /// An event and where it stands for one consumer.
    struct Row: Decodable {
        let seq: Int64
        let id: String
        let source: String
        let type: String
        let platformEvent: String
        let receivedAt: String
        /// `nil` while nobody reads the source.
        let consumer: String?
        let state: String
        let emissions: Int
    }

    let events: [Row]
    /// What to list after to go on; `nil` when nothing more is there.
    let next: Int64?
}

/// The answer of `GET /v1/events/{id}` without the envelope, whose bytes are taken as they are.
struct EventDetail: Decodable {
    /// What arrived.
    struct Request: Decodable {
        let verification: String
        let keyId: String?
        let idempotencyKey: String?
        let bodySha256: String?
        let duplicates: Int
    }

    /// How the event stands for one consumer.
    struct Reading: Decodable {
        let consumer: String?
        let state: String
        let emissions: [Emission]
    }

    /// One handing-out.
    struct Emission: Decodable {
        let emissionNo: Int
        let batch: Int64?
        let session: String?
        let drainedAt: String?
        let confirmedAt: String?
        let inDoubtAt: String?
        let settledAt: String?
        let outcome: String?
        let detail: String?
        let replayId: String?
    }

    let seq: Int64
    let source: String
    let type: String
    let platformEvent: String
    let receivedAt: String
    let thinned: Bool
    let envelopeSha256: String?
    let request: Request
    let consumers: [Reading]
    let replays: [ReplayListing.Entry]
}

/// The answer of `GET /v1/replays`.
struct ReplayListing: Decodable {
    /// A replay as it was ordered, and how far it has got.
    struct Entry: Decodable {
        let id: String
        let consumer: String
        let source: String
        let actor: String
        let reason: String
        let requestedAt: String
        let events: Int
        let skipped: Int
        let emitted: Int
        let waiting: Int
    }

    let replays: [Entry]
}

/// The members of a replay, beside what ``ReplayListing/Entry`` has of the answer of `GET /v1/replays/{id}`.
struct ReplayMembers: Decodable {
    struct Member: Decodable {
        let eventId: String
        /// `nil` while it waits to be handed over.
        let emissionNo: Int?
        let state: String
    }

    let members: [Member]
}
