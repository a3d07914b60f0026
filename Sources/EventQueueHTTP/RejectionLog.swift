import EventQueue
import Logging

/// Logs that requests are rejected, one line a minute for each source and reason: a sender that knocks all day is
/// seen, and fills no disk. Their exact number is a metric.
struct RejectionLog: Sendable {
    private struct Subject: Hashable {
        let source: Source.ID
        let code: String
    }

    private let minutes = MinuteCounter<Subject>()

    /// Notes one request that was rejected.
    func note(_ source: Source.ID, _ code: String, at time: Timestamp, to logger: Logger) {
        let (ordinal, before) = minutes.count(Subject(source: source, code: code), at: time)
        guard ordinal == 1 else { return }
        var metadata: Logger.Metadata = ["source": "\(source)", "code": "\(code)"]
        // The first of them was told.
        if before > 1 { metadata["more_since_last"] = "\(before - 1)" }
        logger.info("request rejected", metadata: metadata)
    }
}
