import EventQueue
import EventQueueSQLite
import Logging
import ServiceLifecycle

/// Imports the buffers of OrgLoop that the sources name, once, beside the running service.
struct BufferIntake: Service {
    let store: SQLiteEventStore
    let sources: [SourceConfiguration]
    let lineBytesMax: Int
    let logger: Logger

    /// A disk that is full, or a queue over its quota, is not mended within less.
    private static let pause: Duration = .seconds(5)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for key in sources.flatMap(BufferFile.keys) {
                await take(key)
                if Task.isCancelled { break }
            }
        }
    }

    /// Imports one buffer; waits while the store has no room.
    private func take(_ key: Buffer.Key) async {
        let work = BufferImport(key: key, store: store, lineBytesMax: lineBytesMax, logger: logger)
        var isTold = false
        while !Task.isCancelled {
            do {
                return try await work.run()
            } catch let failure as StoreFailure where Self.passes(failure) {
                if !isTold, !Task.isCancelled { warn("is put off", key, failure.explanation) }
                isTold = true
                try? await Task.sleep(for: Self.pause)
            } catch is CancellationError {
                return
            } catch {
                let reason = (error as? PrivateFile.Failure)?.message ?? (error as? StoreFailure)?.explanation
                return warn("has to wait for the next start", key, reason ?? "\(error)")
            }
        }
    }

    private static func passes(_ failure: StoreFailure) -> Bool {
        switch failure {
        case .diskFull, .overQuota, .unavailable: true
        case .damaged, .broken: false
        }
    }

    private func warn(_ what: String, _ key: Buffer.Key, _ reason: String) {
        logger.warning(
            "the import of a buffer of OrgLoop \(what)",
            metadata: ["path": "\(key.path)", "source": "\(key.source)", "reason": "\(reason)"])
    }
}
