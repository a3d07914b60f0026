import CoreMetrics
import EventQueue

extension Metrics {
    /// What is true when somebody asks, beside what was counted.
    struct Moment {
        let now: Timestamp
        /// `nil` when the store could not tell.
        let status: QueueStatus?
        /// `nil` where it is never read again.
        let configuration: Reloads.Standing?
        let isReady: Bool
        let limits: Limits.Settings
        let connectionsOpen: Int
        let bytesInFlight: Int
    }

    /// A script that polls under ever new names must not fill the disk of whoever watches. More than this many
    /// readers are told by their number alone; a machine has a few.
    private static let readersMax = 200

    /// The exposition text.
    ///
    /// What is measured now is written from a registry of its own: what is gone leaves nothing behind, and two who
    /// ask at once do not meet.
    func text(_ moment: Moment) -> String {
        let registry = PrometheusRegistry(MetricFamily.measured)
        write(moment, to: registry)
        if let configuration = moment.configuration { Self.write(configuration, to: registry) }
        if let status = moment.status { Self.write(status, at: moment.now, to: registry) }
        return counted + registry.text
    }

    private func write(_ moment: Moment, to registry: PrometheusRegistry) {
        let facts = build.facts.map { ($0.name, $0.value) }
        registry.gauge(.build, [("version", build.version)] + facts).record(1)
        registry.gauge(.startTime).record(startedAt.milliseconds / 1000)
        registry.gauge(.ready).record(moment.isReady ? 1 : 0)
        registry.gauge(.storeUp).record(moment.status == nil ? 0 : 1)
        registry.gauge(.connectionsOpen).record(moment.connectionsOpen)
        registry.gauge(.inFlightBytes).record(moment.bytesInFlight)
        for bound in MetricFamily.bounds { registry.gauge(bound.family).record(bound.value(moment.limits)) }
        if let spool = spool() {
            registry.gauge(.spoolFiles).record(spool.waiting)
            registry.gauge(.spoolRejected).record(spool.rejected)
        }
    }

    private static func write(_ configuration: Reloads.Standing, to registry: PrometheusRegistry) {
        registry.gauge(.reloaded).record(configuration.failure == nil ? 1 : 0)
        registry.gauge(.reloadTime).record(configuration.loadedAt.milliseconds / 1000)
    }

    private static func write(_ status: QueueStatus, at now: Timestamp, to registry: PrometheusRegistry) {
        registry.gauge(.databaseBytes).record(status.databaseBytes)
        registry.gauge(.logBytes).record(status.walBytes)
        if let free = status.freeBytes { registry.gauge(.freeBytes).record(free) }
        for source in status.sources {
            let labels = [("source", source.id.rawValue)]
            registry.counter(.stored, labels).increment(by: source.events)
            registry.gauge(.held, labels).record(source.held)
            registry.gauge(.quarantined, labels).record(source.quarantined)
            registry.counter(.quarantineDropped, labels).increment(by: source.quarantineDropped)
            if let last = source.lastReceivedAt {
                registry.gauge(.lastReceived, labels).record(last.milliseconds / 1000)
            }
        }
        let readers = status.sources.flatMap { source in source.cursors.map { (source.id, $0) } }
        registry.gauge(.readers).record(readers.count)
        for (source, cursor) in readers.prefix(readersMax) { write(cursor, of: source, at: now, to: registry) }
    }

    private static func write(
        _ cursor: QueueStatus.CursorStatus, of source: Source.ID, at now: Timestamp, to registry: PrometheusRegistry
    ) {
        let labels = [("source", source.rawValue), ("consumer", cursor.consumer.rawValue)]
        for state in Event.State.allCases {
            registry.gauge(.events, labels + [("state", state.rawValue)]).record(cursor.counts[state] ?? 0)
        }
        registry.gauge(.oldestPending, labels).record(cursor.oldestPendingAgeSeconds(at: now) ?? 0)
        registry.gauge(.sessionOpen, labels).record(cursor.session?.standing == "open" ? 1 : 0)
    }
}
