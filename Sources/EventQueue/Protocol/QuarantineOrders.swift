/// What operators order about requests in quarantine. Every order is recorded with who gave it, and stays on record
/// when the request is kept no longer.
extension QuarantinedRequest {
    /// An order to make events of a request after all.
    public struct Retry: Sendable {
        /// The request's number.
        public let request: Int64
        /// Who orders it.
        public let actor: String
        /// Why, if that was said.
        public let reason: String?

        public init(request: Int64, actor: String, reason: String? = nil) {
            self.request = request
            self.actor = actor
            self.reason = reason
        }
    }

    /// An order to delete a request for good.
    public struct Discard: Sendable {
        /// The request's number.
        public let request: Int64
        /// Who orders it.
        public let actor: String
        /// Why.
        public let reason: String

        public init(request: Int64, actor: String, reason: String) {
            self.request = request
            self.actor = actor
            self.reason = reason
        }
    }

    /// Why a retry could not make an event of a request.
    public struct Refusal: Sendable, Equatable {
        /// The stable code under which the request is kept from now on.
        public let code: String
        /// What is wrong, for a person.
        public let detail: String

        public init(_ rejection: Rejection) {
            self.init(code: rejection.code, detail: rejection.detail)
        }

        private init(code: String, detail: String) {
            self.code = code
            self.detail = detail
        }

        /// The kept bytes are not those that were verified.
        public static let damaged = Refusal(
            code: "damaged", detail: "The kept request is not the one that arrived: its body does not have its hash.")
    }

    /// An order as it is on record.
    public struct Order: Sendable, Equatable {
        /// What came of it; the raw value is the record's word.
        public enum Action: String, Sendable {
            /// The request became events.
            case retried
            /// It still could not, and stayed.
            case refused
            case discarded
        }

        public let action: Action
        public let actor: String
        public let reason: String?
        /// ISO 8601, as it was stored.
        public let orderedAt: String
        /// The code of what kept the request in quarantine or, of a refused retry, of what refused it.
        public let rejection: String
        /// What the request became; none unless it was retried.
        public let events: [Event.ID]

        public init(
            action: Action, actor: String, reason: String?, orderedAt: String, rejection: String, events: [Event.ID]
        ) {
            self.action = action
            self.actor = actor
            self.reason = reason
            self.orderedAt = orderedAt
            self.rejection = rejection
            self.events = events
        }
    }
}
