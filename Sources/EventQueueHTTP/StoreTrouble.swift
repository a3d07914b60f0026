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
    func report(to logger: Logger) -> StoreTrouble {
        // An error of another kind may quote what it failed on, so only its type is written.
        logger.error(
            "the store failed",
            metadata: ["code": "\(code)", "reason": "\(failure?.explanation ?? kind)"])
        return self
    }

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
