import EventQueue

/// Why a request, or a whole connection, was turned away: what `/metrics` counts refusals by.
enum Refusal: String, Sendable, CaseIterable {
    /// The last connection that may be open was taken: what comes next waits in the kernel.
    case connections
    /// A new connection sent no whole head in time.
    case headTimeout = "head_timeout"
    /// A body did not arrive in time.
    case bodyTimeout = "body_timeout"
    /// A peer did not read its answer in time.
    case answerTimeout = "answer_timeout"
    case headerTooLarge = "header_too_large"
    /// What came was no request.
    case malformed
    case host
    case origin
    case unauthorized
    case unverified
    case unknownSource = "unknown_source"
    case contentEncoding = "content_encoding"
    case bodyTooLarge = "body_too_large"
    case inFlightBytes = "in_flight_bytes"
    case shuttingDown = "shutting_down"
    case diskFull = "disk_full"
    case overQuota = "over_quota"
    case unavailable, damaged, broken

    /// What the store could not do; an error that is none of its own counts as a passing one.
    init(_ failure: StoreFailure?) {
        self =
            switch failure {
            case .diskFull: .diskFull
            case .overQuota: .overQuota
            case .damaged: .damaged
            case .broken: .broken
            case .unavailable, nil: .unavailable
            }
    }
}
