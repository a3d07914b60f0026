import EventQueue
import Foundation
import Synchronization

extension TestService {
    /// Returns once a poll of `deploys` has come so far: what follows meets one that waits.
    func untilPolled(_ isFar: (QueueStatus.CursorStatus) -> Bool = { _ in true }) async throws {
        while try await !store.status().sources.flatMap(\.cursors).contains(where: isFar) {
            await Task.yield()
        }
    }
}

/// Sockets that stay open and whose answers nobody reads.
final class HeldSockets: Sendable {
    private let tasks = Mutex<[Task<Void, any Error>]>([])

    func hold(_ connection: RawConnection, sending text: String) {
        let task = Task { try await connection.stalling(after: text) }
        tasks.withLock { $0.append(task) }
    }

    /// Closes them.
    func release() async {
        for task in tasks.withLock({ $0 }) {
            task.cancel()
            _ = try? await task.value
        }
    }
}
