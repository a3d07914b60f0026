import EventQueue
import Logging
import Synchronization

/// Logs that requests are rejected, one line a minute for each source and reason: a sender that knocks all day is
/// seen, and fills no disk. Their exact number is a metric.
final class RejectionLog: Sendable {
    private struct Subject: Hashable {
        let source: Source.ID
        let code: String
    }

    private struct Minute {
        let number: Int64
        var unsaid = 0
    }

    private let minutes = Mutex<[Subject: Minute]>([:])

    /// Notes one request that was rejected.
    func note(_ source: Source.ID, _ code: String, at time: Timestamp, to logger: Logger) {
        let number = time.milliseconds / 60_000
        let unsaid: Int? = minutes.withLock { minutes in
            let subject = Subject(source: source, code: code)
            if let minute = minutes[subject], minute.number == number {
                minutes[subject]?.unsaid += 1
                return nil
            }
            let unsaid = minutes[subject]?.unsaid ?? 0
            minutes[subject] = Minute(number: number)
            return unsaid
        }
        guard let unsaid else { return }
        var metadata: Logger.Metadata = ["source": "\(source)", "code": "\(code)"]
        if unsaid > 0 { metadata["more_since_last"] = "\(unsaid)" }
        logger.info("request rejected", metadata: metadata)
    }
}
