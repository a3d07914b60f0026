/// What the engine's pipeline reported for an emission.
public enum Outcome: String, Sendable, CaseIterable {
    case delivered
    case dropped
    case noRoute = "no_route"
    case failed

    /// The state of an event whose latest emission has this outcome.
    public var state: Event.State {
        switch self {
        case .delivered: .delivered
        case .dropped: .dropped
        case .noRoute: .noRoute
        case .failed: .failed
        }
    }
}

/// One reported outcome, before it is looked up.
public struct OutcomeReport: Sendable, Hashable {
    /// As the caller named it: an id that nobody emitted is reported back, not refused.
    public let eventID: String
    public let outcome: Outcome
    /// Free text for the audit, at most ``Limits/detailLengthMax`` bytes are kept.
    public let detail: String?

    public init(eventID: String, outcome: Outcome, detail: String? = nil) {
        self.eventID = eventID
        self.outcome = outcome
        self.detail = detail
    }
}

/// What a settle changed.
public struct Settlement: Sendable, Equatable {
    /// How many emissions got their first outcome.
    public let settled: Int
    /// The ids that were never emitted to this reader, in the order they were reported.
    public let unknown: [String]

    public init(settled: Int, unknown: [String]) {
        self.settled = settled
        self.unknown = unknown
    }
}
