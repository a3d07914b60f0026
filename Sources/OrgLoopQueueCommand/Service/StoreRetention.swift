import EventQueue
import EventQueueSQLite
import Logging
import ServiceLifecycle

/// Prunes what retention no longer keeps, a slice at a time, for as long as the service runs.
struct StoreRetention: Service {
    let store: SQLiteEventStore
    let configuration: Current<ServiceConfiguration>
    let logger: Logger

    /// Often enough that even a bound of seconds is kept; a sweep that finds nothing costs a question or two
    /// a source.
    private static let interval: Duration = .seconds(5)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let retention = configuration.value.retention
                if !retention.isEmpty { await sweep(retention) }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    private func sweep(_ retention: Retention) async {
        var total = Pruned()
        do {
            while !Task.isCancelled {
                let pruned = try await store.prune(retention)
                total.deleted += pruned.deleted
                total.thinned += pruned.thinned
                total.freedBytes += pruned.freedBytes
                if pruned.isDone { break }
            }
        } catch {
            logger.warning("retention was put off", metadata: ["reason": "\(error)"])
        }
        guard total != Pruned() else { return }
        logger.info(
            "pruned",
            metadata: [
                "deleted": "\(total.deleted)", "thinned": "\(total.thinned)", "freed_bytes": "\(total.freedBytes)",
            ])
    }
}
