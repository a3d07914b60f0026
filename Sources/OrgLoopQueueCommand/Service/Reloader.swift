import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Logging
import ServiceLifecycle

/// Reads the configuration again whenever that is ordered, and puts it in the place of the one that holds: the
/// whole of it, or nothing.
struct Reloader: Service {
    let loader: ConfigurationLoader
    /// The configuration that holds.
    let configuration: Current<ServiceConfiguration>
    let reloads: Reloads
    let store: SQLiteEventStore
    let server: QueueServer
    let secrets: SecretHistory
    let supervisor: Supervisor
    /// What the supervisor is told where everything is well.
    let address: ServiceAddress
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown { await takeOrders() }
        reloads.shut()
    }

    /// Ends when its task is cancelled: a service that returns would stop the others.
    private func takeOrders() async {
        await withTaskGroup(of: Void.self) { imports in
            for await _ in reloads.orders {
                let added = await reloads.carryOut {
                    supervisor.reloading()
                    let (report, added) = await reload()
                    supervisor.ready(status(after: report))
                    return (report, added)
                }
                if !added.isEmpty { imports.addTask { await importBuffers(of: added) } }
            }
        }
    }

    /// Reads once.
    ///
    /// - Returns: What became of it, and the sources that have a buffer to import which they had not before.
    private func reload() async -> (Reloads.Report, [SourceConfiguration]) {
        let running = configuration.value
        let read: ServiceConfiguration
        do throws(ConfigurationFailure) {
            read = try loader.load(servedOn: running.listen)
        } catch {
            return (refusal(error.problems.map(\.description)), [])
        }
        let changes = ConfigurationChanges(from: running, to: read)
        let applied = changes.applied
        do {
            // The one step that can fail, so it comes first: the rest is memory.
            try await store.reconfigure(applied.storing)
        } catch {
            let reason = (error as? StoreFailure)?.explanation ?? "\(error)"
            logger.error(
                "the new configuration was put off; the old one still holds", metadata: ["reason": "\(reason)"])
            return (Reloads.Report(at: .now(), result: .putOff(reason: reason)), [])
        }
        server.reconfigure(applied.serving(on: applied.listen), sources: applied.sources.map(\.source))
        configuration.replace(with: applied)
        await secrets.record(applied.sources)
        tell(changes, applied, known: Set(running.notices))
        let report = Reloads.Report(
            at: .now(), result: .applied(changes: changes.lines), needsRestart: changes.needsRestart)
        let buffers = Set(running.sources.compactMap(\.bufferDirectory))
        return (report, applied.sources.filter { $0.bufferDirectory.map { !buffers.contains($0) } ?? false })
    }

    private func refusal(_ problems: [String]) -> Reloads.Report {
        for problem in problems {
            logger.error(
                "the new configuration is refused; the old one still holds", metadata: ["problem": "\(problem)"])
        }
        return Reloads.Report(at: .now(), result: .refused(problems: problems))
    }

    private func tell(_ changes: ConfigurationChanges, _ applied: ServiceConfiguration, known: Set<String>) {
        logger.notice("the configuration was read again", metadata: ["changes": "\(changes.lines.count)"])
        for line in changes.lines { logger.notice("changed", metadata: ["change": "\(line)"]) }
        for line in changes.needsRestart {
            logger.warning("changed, and needs a restart of the service", metadata: ["change": "\(line)"])
        }
        for notice in applied.notices where !known.contains(notice) { logger.warning("\(notice)") }
    }

    private func status(after report: Reloads.Report) -> String {
        let ready = "ready on \(address.url ?? configuration.value.listen.localURL)"
        return switch report.result {
        case .applied: ready
        case .refused(let problems):
            "\(ready), with its old configuration: the new one was refused: \(problems.first ?? "")"
        case .putOff(let reason): "\(ready), with its old configuration: the new one was put off: \(reason)"
        }
    }

    private func importBuffers(of sources: [SourceConfiguration]) async {
        let intake = BufferIntake(
            store: store, sources: sources, lineBytesMax: configuration.value.limits.importBytesMax, logger: logger)
        try? await intake.run()
    }
}
