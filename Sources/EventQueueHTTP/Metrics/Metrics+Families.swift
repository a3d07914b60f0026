import EventQueue

/// Every metric there is. README, dashboard and alerts name them, so a name stays what it is.
extension MetricFamily {
    // MARK: Counted since the start

    static let requests = counter("http_requests_total", "Requests by kind of route and status.")
    static let received = counter("received_total", "Requests of known sources by what became of them.")
    static let refused = counter("refused_total", "Requests and connections that were turned away, by reason.")
    static let receiveTime = histogram(
        "receive_duration_seconds", seconds, "From a webhook's last byte to its answer.")
    static let commitTime = histogram("commit_duration_seconds", seconds, "From a transaction's begin to its end.")
    static let commitEvents = histogram(
        "commit_events", [1, 2, 4, 8, 16, 32, 64, 128, 256], "Events that were appended in one transaction.")
    static let pollTime = histogram(
        "poll_duration_seconds", seconds, "What a poll takes, without the time in which it waits for events.")
    static let settleTime = histogram("settle_duration_seconds", seconds, "What settling takes.")
    static let handedOver = counter("handed_over_total", "Events that were handed to a consumer.")
    static let resent = counter(
        "resent_batches_total", "Batches that were sent again to a caller that never saved their checkpoint.")
    static let regressed = counter("regressed_polls_total", "Polls that presented an old checkpoint, or none.")
    static let settled = counter("settled_total", "Outcomes that were recorded.")
    static let refusedCalls = counter(
        "protocol_refusals_total", "Calls on a cursor that the protocol refused, by code.")

    /// From a fast disk's fsync to a deadline.
    private static let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    static let counted = [
        requests, received, refused, receiveTime, commitTime, commitEvents, pollTime, settleTime, handedOver, resent,
        regressed, settled, refusedCalls,
    ]

    // MARK: True at the moment of a scrape

    static let build = gauge("build_info", "What is running; always 1.")
    static let startTime = gauge("start_time_seconds", "When the service was started.")
    static let ready = gauge("ready", "Whether the service can commit, as /ready tells.")
    static let storeUp = gauge("store_up", "Whether the store answered when this was written.")
    static let reloaded = gauge("config_last_reload_successful", "Whether the configuration file could be used.")
    static let reloadTime = gauge(
        "config_last_reload_success_timestamp_seconds", "When the configuration in force was read.")
    static let connectionsOpen = gauge("connections_open", "Open connections.")
    static let inFlightBytes = gauge("in_flight_bytes", "Bytes set aside for bodies that are not answered yet.")
    static let spoolFiles = gauge("spool_files", "Requests of hooks that wait beside the database.")
    static let spoolRejected = gauge("spool_rejected_files", "Requests of hooks that were set aside.")
    static let databaseBytes = gauge("database_bytes", "Size of the database file.")
    static let logBytes = gauge("wal_bytes", "Size of the write-ahead log.")
    static let freeBytes = gauge("free_bytes", "Bytes that may still be written beside the database.")
    static let stored = counter("events_stored_total", "Events that were ever stored.")
    static let held = gauge("events_held", "Events that are kept; retention has deleted the others.")
    static let lastReceived = gauge("last_received_timestamp_seconds", "When the newest event came in.")
    static let quarantined = gauge("quarantined", "Rejected requests that are kept.")
    static let quarantineDropped = counter(
        "quarantine_dropped_total", "Rejected requests that were dropped because the quarantine was full.")
    static let readers = gauge("readers", "Consumers, each counted once for every source that it reads.")
    static let events = gauge("events", "Events by consumer and state.")
    static let oldestPending = gauge(
        "oldest_pending_age_seconds", "Age of the oldest pending event; 0 without one.")
    static let sessionOpen = gauge("session_open", "Whether a session of the consumer is open.")

    /// Limits have the names of their configuration keys.
    static let bounds: [(family: MetricFamily, value: @Sendable (Limits.Settings) -> Int)] = [
        (bound("connections_max"), \.connectionsMax), (bound("in_flight_bytes_max"), \.inFlightBytesMax),
        (bound("quarantine_rows_max"), \.quarantineRowsMax), (bound("queue_bytes_max"), \.queueBytesMax),
        (bound("queue_events_max"), \.queueEventsMax), (bound("free_bytes_min"), \.freeBytesMin),
        (bound("wal_bytes_warning"), \.walBytesWarning),
    ]

    private static func bound(_ key: String) -> MetricFamily {
        gauge("limit_" + key, "`limits.\(key)` of the configuration in force.")
    }

    static let measured =
        [
            build, startTime, ready, storeUp, reloaded, reloadTime, connectionsOpen, inFlightBytes, spoolFiles,
            spoolRejected, databaseBytes, logBytes, freeBytes, stored, held, lastReceived, quarantined,
            quarantineDropped, readers, events, oldestPending, sessionOpen,
        ] + bounds.map(\.family)
}
