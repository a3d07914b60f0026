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

    init(configuration: ServiceConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
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
        var settings = SQLiteEventStore.Configuration(
            path: configuration.database, sources: configuration.sources.map(\.id))
        settings.migrating = migrating
        settings.limits = configuration.limits
        settings.onRegressed = Dictionary(
            uniqueKeysWithValues: configuration.consumers.map { ($0.id, $0.onRegressed) })
        settings.whenInDoubt = Dictionary(
            uniqueKeysWithValues: configuration.consumers.map { ($0.id, $0.whenInDoubt) })
        return try await SQLiteEventStore.open(
            settings, doorbell: doorbell, clock: { .now() }, logger: logger)
    }

    /// The server for a store that ``openStore(migrating:)`` opened.
    ///
    /// - Parameter onReady: Called with the port once it is bound.
    func server(
        for store: SQLiteEventStore, on listen: ListenAddress, token: AccessToken, health: Health,
        onReady: @escaping @Sendable (Int) async -> Void
    ) async throws -> QueueServer {
        var serving = QueueServer.Configuration(
            host: listen.host, port: listen.port, hosts: configuration.hosts, limits: configuration.limits)
        serving.retention = configuration.retention
        return QueueServer(
            configuration: serving,
            sources: SourceRegistry(configuration.sources.map(\.source)), store: store, doorbell: doorbell,
            ids: EventIDGenerator(now: { .now() }, after: try await store.lastEventID()), token: token,
            health: health, clock: { .now() }, logger: logger, onReady: onReady)
    }
}
