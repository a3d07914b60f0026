import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Foundation
import Logging

/// The store and the server of a configuration: what the service is made of, and a verb that stands in for
/// it.
struct ServiceParts: Sendable {
    let configuration: ServiceConfiguration
    let logger: Logger
    private let doorbell = Doorbell()
    private let metrics: Metrics

    init(configuration: ServiceConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        let spool = Spool(database: configuration.database)
        metrics = Metrics(build: .this, startedAt: .now()) {
            Metrics.Spool(waiting: spool.waiting().count, rejected: spool.setAside().count)
        }
    }

    /// A peer that went away and a file size limit are errors of a call, not the end of the process.
    static func ignoreWriteSignals() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Opens the database under the service lock.
    ///
    /// - Throws: `StartRefusal` when it must not be served.
    func openStore(migrating: SQLiteEventStore.Migrating = .always) async throws -> SQLiteEventStore {
        var settings = configuration.storing
        settings.migrating = migrating
        let metrics = metrics
        return try await SQLiteEventStore.open(
            settings, doorbell: doorbell, clock: { .now() }, logger: logger
        ) { metrics.committed($0) }
    }

    /// The server for a store that ``openStore(migrating:)`` opened.
    ///
    /// - Parameters:
    ///   - listen: Where, which a verb that stands in decides for itself.
    ///   - reloads: Where the configuration is read again, if anybody does.
    ///   - onReady: Called with the port once it is bound.
    func server(
        for store: SQLiteEventStore, on listen: ListenAddress, token: AccessToken, health: Health,
        reloads: Reloads? = nil, onReady: @escaping @Sendable (Int) async -> Void
    ) async throws -> QueueServer {
        QueueServer(
            configuration: configuration.serving(on: listen),
            sources: SourceRegistry(configuration.sources.map(\.source)), store: store, doorbell: doorbell,
            ids: EventIDGenerator(now: { .now() }, after: try await store.lastEventID()), token: token,
            health: health, clock: { .now() }, reloads: reloads, metrics: metrics, logger: logger, onReady: onReady)
    }
}

extension ServiceConfiguration {
    /// What the store goes by.
    var storing: SQLiteEventStore.Configuration {
        var settings = SQLiteEventStore.Configuration(path: database, sources: sources.map(\.id))
        settings.limits = limits
        settings.onRegressed = Dictionary(uniqueKeysWithValues: consumers.map { ($0.id, $0.onRegressed) })
        settings.whenInDoubt = Dictionary(uniqueKeysWithValues: consumers.map { ($0.id, $0.whenInDoubt) })
        return settings
    }

    /// What the server goes by.
    func serving(on listen: ListenAddress) -> QueueServer.Configuration {
        var settings = QueueServer.Configuration(
            host: listen.host, port: listen.port, hosts: hosts, limits: limits)
        settings.retention = retention
        return settings
    }
}

extension Metrics.Build {
    /// This program, and the SQLite that it found on this machine.
    static let this = Metrics.Build(
        version: OrgLoopQueue.version,
        facts: [("sqlite", SQLiteEventStore.engineVersion), ("mode", mode), ("system", system)])

    #if DEBUG
        private static let mode = "debug"
    #else
        private static let mode = "release"
    #endif

    #if os(Linux)
        private static let system = "linux"
    #else
        private static let system = "macos"
    #endif
}
