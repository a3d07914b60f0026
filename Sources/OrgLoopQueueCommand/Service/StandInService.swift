import EventQueueHTTP
import EventQueueSQLite
import Foundation
import Logging
import ServiceLifecycle

/// The service for as long as one verb runs, while nobody else serves the database.
///
/// A verb that wrote the database in its own way would have to repeat what the service does; this one calls
/// the same server over the same protocol, on a port and with a token that only this process knows.
struct StandInService {
    private let parts: ServiceParts
    private let store: SQLiteEventStore
    private let token = TokenFile.makeToken()

    /// Takes the service lock and opens the database.
    ///
    /// - Parameter migrating: Nobody who asks for a listing expects the schema to be changed by it.
    /// - Throws: `StartRefusal` when another process took the lock, or when the file must not be served.
    init(_ configuration: ServiceConfiguration, migrating: SQLiteEventStore.Migrating) async throws {
        ServiceParts.ignoreWriteSignals()
        // Whoever typed the verb reads this, on a terminal or not.
        let logger = Logger(label: "orgloop-queue") { label in
            StreamLogHandler(label: label, level: .warning, format: .text)
        }
        parts = ServiceParts(configuration: configuration, logger: logger)
        store = try await parts.openStore(migrating: migrating)
    }

    /// Runs `verb` against this service, ends it and closes the database, whatever the verb did.
    func run<Result>(_ verb: (ServiceConnection) async throws -> Result) async throws -> Result {
        do {
            let result = try await serve(verb)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    private func serve<Result>(_ verb: (ServiceConnection) async throws -> Result) async throws -> Result {
        guard let access = AccessToken(token) else { preconditionFailure("a token is hexadecimal") }
        // What the service would have found out meanwhile: sessions and batches that are overdue.
        await store.maintain()
        let health = Health()
        health.set(.ready)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let listen = ListenAddress.standard.with(port: 0)
        let server = try await parts.server(for: store, on: listen, token: access, health: health) {
            port.yield($0)
        }
        let group = serviceGroup(server)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                // Whoever waits for the port must learn that there will be none.
                defer { port.finish() }
                try await group.run()
            }
            guard let taken = await ports.first(where: { _ in true }) else {
                try await tasks.waitForAll()
                throw CommandFailure(message: "the database cannot be served by this command", mend: "Try again.")
            }
            let url = listen.with(port: taken).localURL
            let service = try ServiceConnection(url: url, token: token, isStandIn: true)
            do {
                let result = try await verb(service)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return result
            } catch {
                await group.triggerGracefulShutdown()
                // The verb's own error tells more than what it did to the server.
                try? await tasks.waitForAll()
                throw error
            }
        }
    }

    private func serviceGroup(_ server: QueueServer) -> ServiceGroup {
        var quiet = parts.logger
        quiet.logLevel = .critical
        return ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: StoreMaintenance(store: store)),
                    .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                logger: quiet))
    }
}
