import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Foundation
import Logging
import NIOCore
import ServiceLifecycle

/// Builds the service from its configuration and runs it until it is told to stop.
struct QueueService {
    /// What it starts with.
    let configuration: ServiceConfiguration
    /// What reads it again.
    let loader: ConfigurationLoader
    let reloads: Reloads
    let hangUp: HangUpSignal
    let logger: Logger
    private let supervisor = Supervisor.take()

    init(
        configuration: ServiceConfiguration, loader: ConfigurationLoader, reloads: Reloads, hangUp: HangUpSignal,
        logger: Logger
    ) {
        self.configuration = configuration
        self.loader = loader
        self.reloads = reloads
        self.hangUp = hangUp
        self.logger = logger
    }

    /// What the promise of ten seconds leaves after the store is closed.
    private static let deadline: DispatchTimeInterval = .seconds(9)

    /// Returns after a signal ended it in good order.
    ///
    /// - Throws: ``CommandFailure`` when it cannot start, or when the store broke under it.
    func run() async throws {
        for notice in configuration.fileNotices { logger.notice("\(notice)") }
        for warning in configuration.warnings { logger.warning("\(warning)") }
        try prepareDirectory()
        let parts = ServiceParts(configuration: configuration, logger: logger)
        let store = try await openStore(parts)
        do {
            try await serve(store, parts)
        } catch {
            await store.close()
            throw Self.failure(error, listen: configuration.listen)
        }
        await store.close()
        logger.notice("stopped")
    }

    private func prepareDirectory() throws {
        do {
            try PrivateFile.makeDirectory(ConfigurationLoader.directory(of: configuration.database))
        } catch {
            throw CommandFailure(message: error.message, mend: "Name another place with --database.")
        }
    }

    private func openStore(_ parts: ServiceParts) async throws -> SQLiteEventStore {
        do {
            return try await parts.openStore()
        } catch let refusal as StartRefusal {
            throw CommandFailure(refusal)
        }
    }

    /// The token is made after the store was opened: whoever has the lock makes it.
    private func accessToken() throws -> AccessToken {
        let file = TokenFile(path: configuration.tokenFile)
        guard let token = AccessToken(try file.loadOrCreate()) else {
            throw CommandFailure(
                message: "the token file \(file.path) has characters that no header can carry",
                mend: "Remove it and restart the service, which makes a new one.")
        }
        if file.isExposed {
            logger.warning(
                "the token file can be read by others than its owner; chmod 600 it",
                metadata: [
                    "path": "\(file.path)"
                ])
        }
        return token
    }

    private func serve(_ store: SQLiteEventStore, _ parts: ServiceParts) async throws {
        let health = Health { await store.obstacle()?.explanation }
        health.set(.ready)
        let current = Current(configuration)
        let address = ServiceAddress()
        let server = try await parts.server(
            for: store, on: configuration.listen, token: try accessToken(), health: health,
            reloads: reloads,
            onReady: { port in
                announce(port: port, store)
                address.url = configuration.listen.with(port: port).localURL
            })
        let intake = SpoolIntake(
            database: configuration.database, environment: ProcessInfo.processInfo.environment, address: address,
            server: server, logger: logger)
        let secrets = SecretHistory(configuration.sources, logger: logger) { try await store.recordSecrets($0) }
        let reloader = Reloader(
            loader: loader, configuration: current, reloads: reloads, store: store, server: server, secrets: secrets,
            supervisor: supervisor, address: address, logger: logger)
        // Stopped from the last to the first: the receiver goes before the watchers.
        try await run([
            // When the store breaks, requests in flight still get their 503.
            .init(
                service: StoreWatch(store: store, health: health),
                failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: StoreMaintenance(store: store)),
            .init(service: secrets),
            // Ends when the buffers of OrgLoop are imported.
            .init(service: bufferIntake(store), successTerminationBehavior: .ignore),
            .init(service: Watchdog(supervisor: supervisor) { try await store.probe() }),
            .init(service: StoreRetention(store: store, configuration: current, logger: logger)),
            .init(service: reloader),
            .init(service: intake),
            .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
        ])
    }

    /// Runs the services until a signal, or one of them, ends them all.
    private func run(_ services: [ServiceGroupConfiguration.ServiceConfiguration]) async throws {
        var quiet = logger
        // What a service throws is reported once, in our words.
        quiet.logLevel = .critical
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: quiet))
        let signals = StopSignals(deadline: Self.deadline) { signal in
            supervisor.stopping()
            logger.notice("stopping", metadata: ["signal": "\(signal)"])
            Task { await group.triggerGracefulShutdown() }
        }
        defer { signals.cancel() }
        hangUp.listen { meaning in
            switch meaning {
            case .reload: reloads.order()
            case .terminalClosed: signals.stop(because: "SIGHUP, its terminal was closed")
            }
        }
        defer { hangUp.cancel() }
        try await group.run()
    }

    private func bufferIntake(_ store: SQLiteEventStore) -> BufferIntake {
        BufferIntake(
            store: store, sources: configuration.sources, lineBytesMax: configuration.limits.importBytesMax,
            logger: logger)
    }

    private func announce(port: Int, _ store: SQLiteEventStore) {
        let url = configuration.listen.with(port: port).localURL
        store.publish(url: url)
        let sources = configuration.sources.map(\.id.rawValue).joined(separator: " ")
        logger.notice(
            "ready",
            metadata: ["url": "\(url)", "database": "\(configuration.database)", "sources": "\(sources)"])
        StandardStream.output.say("orgloop-queue ready on \(url)")
        supervisor.ready("ready on \(url)")
    }

    private static func failure(_ error: any Error, listen: ListenAddress) -> any Error {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE:
            CommandFailure(
                message: "\(listen) is in use by another process",
                mend: "Stop it, or listen elsewhere with --listen; port 0 takes a free one.")
        case let error as IOError where [EACCES, EADDRNOTAVAIL].contains(error.errnoCode):
            CommandFailure(
                message: "cannot listen on \(listen): \(String(cString: strerror(error.errnoCode)))",
                mend: "Name an address of this machine and a port above 1023 with --listen.")
        case let error as SocketAddressError:
            CommandFailure(
                message: "cannot listen on \(listen): \(error)",
                mend: "Name an address of this machine with --listen.")
        case let failure as StoreFailure:
            CommandFailure(
                message: "the store cannot go on: \(failure.explanation)",
                mend: "Check the disk, and that the database's files are in their place, then start it again.")
        default: error
        }
    }
}

/// Ends the service when the store can no longer be trusted, and turns it unready when the file is damaged.
struct StoreWatch: Service {
    let store: SQLiteEventStore
    let health: Health

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            for await failure in store.failures {
                health.set(.notReady(reason: failure.explanation))
                // A damaged file is not written to any more; the service stays up so that it can be asked why.
                if case .broken = failure { throw failure }
            }
            // The stream also ends when the task is cancelled; a service that returns would stop the others.
            try? await Task.sleep(for: Duration.longest)
        }
    }
}

/// Has the store judge overdue events, checkpoint its WAL and look at its disk.
struct StoreMaintenance: Service {
    let store: SQLiteEventStore

    /// Often enough that a WAL stays short, seldom enough to cost nothing.
    private static let interval: Duration = .seconds(5)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await store.maintain()
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
