import EventQueue
import Logging

/// A verb of the store that failed, as callers are told of it: what to do, and nothing about this machine.
struct StoreTrouble {
    private let failure: StoreFailure?
    private let kind: String

    init(_ error: any Error) {
        failure = error as? StoreFailure
        kind = "\(type(of: error))"
    }

    /// Writes what happened to the log, where paths and reasons belong.
    @discardableResult
    func report(moreSinceLast: Int = 0, to logger: Logger) -> StoreTrouble {
        var metadata: Logger.Metadata = ["code": "\(code)", "reason": "\(reason)"]
        if moreSinceLast > 0 { metadata["more_since_last"] = "\(moreSinceLast)" }
        logger.error("the store failed", metadata: metadata)
        return self
    }

    /// An error of another kind may quote what it failed on, so only its type is told.
    fileprivate var reason: String { failure?.explanation ?? kind }

    var receiverAnswer: Answer {
        Answer.json(503, ["error": .text(title), "code": .text(code)]).with("Retry-After", String(retryAfter))
            .because(Refusal(failure))
    }

    var problem: Answer {
        Answer.problem(503, code, title: title, detail: mend).with("Retry-After", String(retryAfter))
            .because(Refusal(failure))
    }

    private var code: String { failure?.code ?? "unavailable" }

    private var title: String {
        switch failure {
        case .diskFull: "Disk full"
        case .overQuota: "Queue over its quota"
        case .damaged: "Database damaged"
        case .broken: "Storage broken"
        case .unavailable, nil: "Temporarily unavailable"
        }
    }

    private var mend: String {
        switch failure {
        case .diskFull: "Free some space; the service goes on by itself."
        case .overQuota: "Let the consumers catch up, prune, or raise the quota in `limits`."
        case .damaged, .broken: "An operator must look at the service's log."
        case .unavailable, nil: "Try again."
        }
    }

    /// Seconds; longer where a person has to do something first.
    private var retryAfter: Int {
        switch failure {
        case .diskFull: 10
        case .overQuota, .damaged, .broken: 30
        case .unavailable, nil: 1
        }
    }
}

/// Logs that senders' events could not be stored, one line a minute for each reason: all that share a commit fail at
/// once, while their connections wait for the line to be written.
struct StoreTroubleLog: Sendable {
    private let minutes = MinuteCounter<String>()

    /// Notes one request that met `trouble`.
    func note(_ trouble: StoreTrouble, at time: Timestamp, to logger: Logger) {
        let (ordinal, before) = minutes.count(trouble.reason, at: time)
        // The first of them was told.
        if ordinal == 1 { trouble.report(moreSinceLast: max(0, before - 1), to: logger) }
    }
}
