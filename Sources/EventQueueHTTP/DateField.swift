import EventQueue
import Synchronization

/// The `Date` of answers, written once a second (RFC 9110, section 5.6.7).
final class DateField: Sendable {
    private struct Written {
        var second: Int64 = .min
        var text = ""
    }

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private let written = Mutex(Written())

    /// `time` as `Sun, 06 Nov 1994 08:49:37 GMT`.
    func text(at time: Timestamp) -> String {
        let second = time.milliseconds / 1000
        return written.withLock { written in
            if written.second != second { written = Written(second: second, text: Self.text(time)) }
            return written.text
        }
    }

    private static func text(_ time: Timestamp) -> String {
        // `2025-01-15T10:30:00.000Z`
        let parts = time.iso8601.split { "-T.".contains($0) }
        guard parts.count == 5, let month = Int(parts[1]), months.indices.contains(month - 1) else { return "" }
        let day = time.milliseconds / 86_400_000
        return "\(weekdays[Int((day % 7 + 7) % 7)]), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}
