import EventQueue
import Synchronization

/// Counts what happens within a minute, so that a log says something of it and not everything.
final class MinuteCounter<Subject: Hashable & Sendable>: Sendable {
    private struct Minute {
        let number: Int64
        var count = 0
    }

    private let minutes = Mutex<[Subject: Minute]>([:])

    /// Counts once more.
    ///
    /// - Returns: Which one of its minute it is, from 1 on; the first is told how many the last minute had that had
    ///   any.
    func count(_ subject: Subject, at time: Timestamp) -> (ordinal: Int, before: Int) {
        let number = time.milliseconds / 60_000
        return minutes.withLock { minutes in
            let last = minutes[subject]
            var minute = Minute(number: number)
            if let last, last.number == number { minute = last }
            minute.count += 1
            minutes[subject] = minute
            return (minute.count, minute.count == 1 ? last?.count ?? 0 : 0)
        }
    }
}
