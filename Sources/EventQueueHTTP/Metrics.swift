import EventQueue
import Synchronization

/// What the service counts between its start and its end, as Prometheus reads it.
final class Metrics: Sendable {
    private struct Answered: Hashable {
        let route: String
        let status: Int
    }

    private struct Received: Hashable {
        let source: Source.ID
        /// `stored`, `duplicate`, or why a request was rejected.
        let result: String
    }

    private struct Counts {
        var answered: [Answered: Int] = [:]
        var received: [Received: Int] = [:]
    }

    private let counts = Mutex(Counts())

    func answered(_ route: Route, status: Int) {
        counts.withLock { $0.answered[Answered(route: route.label, status: status), default: 0] += 1 }
    }

    func received(by source: Source.ID, result: String, count: Int = 1) {
        guard count > 0 else { return }
        counts.withLock { $0.received[Received(source: source, result: result), default: 0] += count }
    }

    /// The exposition text.
    ///
    /// - Parameters:
    ///   - status: `nil` when the store could not tell.
    ///   - configuration: `nil` where it is never read again.
    func text(_ status: QueueStatus?, configuration: Reloads.Standing?, now: Timestamp) -> String {
        let counts = counts.withLock { $0 }
        var text = Exposition()
        text.family("http_requests_total", "counter", "Requests by kind of route and status.")
        for (key, count) in counts.answered.sorted(by: {
            ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status)
        }) {
            text.sample("http_requests_total", [("route", key.route), ("status", String(key.status))], count)
        }
        text.family("received_total", "counter", "Requests of known sources by what became of them.")
        for (key, count) in counts.received.sorted(by: {
            ($0.key.source, $0.key.result) < ($1.key.source, $1.key.result)
        }) {
            text.sample("received_total", [("source", key.source.rawValue), ("result", key.result)], count)
        }
        text.family("store_up", "gauge", "Whether the store answered when this was written.")
        text.sample("store_up", [], status == nil ? 0 : 1)
        if let configuration { Self.write(configuration, to: &text) }
        if let status { Self.write(status, now: now, to: &text) }
        return text.text
    }

    private static func write(_ configuration: Reloads.Standing, to text: inout Exposition) {
        text.family("config_last_reload_successful", "gauge", "Whether the configuration file could be used.")
        text.sample("config_last_reload_successful", [], configuration.failure == nil ? 1 : 0)
        text.family(
            "config_last_reload_success_timestamp_seconds", "gauge", "When the configuration in force was read.")
        text.sample(
            "config_last_reload_success_timestamp_seconds", [], Int(configuration.loadedAt.milliseconds / 1000))
    }

    private static func write(_ status: QueueStatus, now: Timestamp, to text: inout Exposition) {
        text.family("database_bytes", "gauge", "Size of the database file.")
        text.sample("database_bytes", [], Int(status.databaseBytes))
        text.family("wal_bytes", "gauge", "Size of the write-ahead log.")
        text.sample("wal_bytes", [], Int(status.walBytes))
        text.family("quarantined", "gauge", "Rejected requests that are kept.")
        for source in status.sources {
            text.sample("quarantined", [("source", source.id.rawValue)], source.quarantined)
        }
        text.family("events", "gauge", "Events by consumer and state.")
        text.eachCursor(status) { text, labels, cursor in
            for state in [Event.State.pending, .inDoubt] {
                text.sample("events", labels + [("state", state.rawValue)], cursor.counts[state] ?? 0)
            }
        }
        text.family("oldest_pending_age_seconds", "gauge", "Age of the oldest pending event; 0 without one.")
        text.eachCursor(status) { text, labels, cursor in
            text.sample(
                "oldest_pending_age_seconds", labels, Int(cursor.oldestPendingAgeSeconds(at: now) ?? 0))
        }
    }
}

/// Builds the Prometheus text format; every name gets the service's prefix.
private struct Exposition {
    private(set) var text = ""

    private static let prefix = "orgloop_queue_"

    mutating func family(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(Self.prefix)\(name) \(help)\n# TYPE \(Self.prefix)\(name) \(kind)\n"
    }

    /// Label values are names of ours and need no escaping.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int) {
        let inside = labels.map { "\($0)=\"\($1)\"" }.joined(separator: ",")
        text += "\(Self.prefix)\(name)\(inside.isEmpty ? "" : "{\(inside)}") \(value)\n"
    }

    mutating func eachCursor(
        _ status: QueueStatus,
        _ write: (inout Exposition, [(String, String)], QueueStatus.CursorStatus) -> Void
    ) {
        for source in status.sources {
            for cursor in source.cursors {
                write(
                    &self, [("source", source.id.rawValue), ("consumer", cursor.consumer.rawValue)], cursor)
            }
        }
    }
}
