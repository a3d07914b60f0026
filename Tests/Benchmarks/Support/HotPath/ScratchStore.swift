package import EventQueue
import EventQueueSQLite
import Foundation
import Logging
import Synchronization

/// A store in a directory of its own, which is removed with it.
///
/// It is made in the directory for temporary files, so `TMPDIR` decides on which disk, or on none.
package struct ScratchStore: Sendable {
    private let directory: URL
    private let store: SQLiteEventStore

    package init() async throws {
        guard let source = Source.ID("claude-code") else { throw Unusable() }
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("hot-path-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        store = try await SQLiteEventStore.open(
            .init(path: directory.appendingPathComponent("queue.db").path, sources: [source]), doorbell: Doorbell(),
            clock: Timestamp.now, logger: Logger(label: "hot-path"))
    }

    /// Stores `events` for so many callers at once, each of which hands over its next when its last is durable.
    ///
    /// The callers are told one after the other, between two commits: as many as there are share each of them.
    package func append(_ events: [NewEvent], byCallers callers: Int) async throws {
        let round = Round(events: events, store: store)
        await withCheckedContinuation { continuation in round.begin(callers: callers, then: continuation) }
        if let failure = round.failure { throw failure }
    }

    package func remove() async throws {
        await store.close()
        try FileManager.default.removeItem(at: directory)
    }
}

/// Events on their way into a store.
private final class Round: Sendable {
    private struct State {
        var next = 0
        var durable = 0
        var failure: (any Error)?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let events: [NewEvent]
    private let store: SQLiteEventStore
    private let state = Mutex(State())

    init(events: [NewEvent], store: SQLiteEventStore) {
        self.events = events
        self.store = store
    }

    var failure: (any Error)? { state.withLock(\.failure) }

    func begin(callers: Int, then continuation: CheckedContinuation<Void, Never>) {
        state.withLock { $0.waiting = continuation }
        for _ in 0..<min(callers, events.count) { handOverNext() }
    }

    private func handOverNext() {
        let index = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        guard index < events.count else { return }
        store.append(events[index]) { result in
            self.note(result)
            self.handOverNext()
        }
    }

    private func note(_ result: Result<Appended, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if case .failure(let error) = result { state.failure = error }
            state.durable += 1
            return state.durable == events.count ? state.waiting.take() : nil
        }
        waiting?.resume()
    }
}
