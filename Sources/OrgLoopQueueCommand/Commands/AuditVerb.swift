import EventQueueSQLite
import Foundation

/// What the verbs that look at a database file have in common.
enum AuditVerb {
    /// Runs `body` and turns a refusal into words and a mend.
    static func run<Result>(_ body: () throws -> Result) throws -> Result {
        // A file that may not grow and a reader that went away are errors of a call.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        do {
            return try body()
        } catch let refusal as StartRefusal {
            throw CommandFailure(message: refusal.message, mend: refusal.mend)
        } catch let refusal as AuditRefusal {
            throw CommandFailure(message: refusal.message, mend: refusal.mend)
        }
    }
}

extension Progress {
    /// Shows how far the engine is.
    mutating func show(_ progress: AuditProgress) {
        show(
            progress.stage, progress.done, of: progress.total,
            unit: progress.unit == .bytes ? .bytes : .count)
    }
}
