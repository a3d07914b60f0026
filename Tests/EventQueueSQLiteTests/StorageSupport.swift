import EventQueue
import EventQueueConformance
import Foundation
import GRDB
import Logging
import Testing

@testable import EventQueueSQLite

/// A store at a scratch path and what a test does to it.
struct ScratchStore {
    let scratch: ScratchDirectory
    let setUp = ConformanceSetUp()
    let store: SQLiteEventStore

    init(
        limits: Limits.Settings = Limits.Settings(), in scratch: ScratchDirectory? = nil,
        onCommit: @escaping CommitObserver = { _ in }
    ) async throws {
        self.scratch = try scratch ?? ScratchDirectory()
        store = try await SQLiteHarness.open(self.scratch.database, setUp, limits, onCommit: onCommit)
    }

    var source: Source {
        Source(
            id: setUp.sources[0], kind: .webhook(eventTypeField: ["type"]),
            verifier: Verifier(scheme: .none, secrets: []))
    }

    private struct Headers: HeaderLookup {
        let key: String?

        func values(of name: String) -> [String] { name == "idempotency-key" ? [key].compactMap(\.self) : [] }
    }

    private static let ids = EventIDGenerator(now: { .now() }, after: nil)

    func event(_ body: String = #"{"type":"test"}"#, key: String? = nil) throws -> NewEvent {
        let request = Request(
            body: Array(body.utf8), headers: Headers(key: key), receivedAt: setUp.clock.now)
        return try source.normalise(source.verifier.verify(request), id: Self.ids.next())
    }

    @discardableResult
    func append(_ count: Int = 1) async throws -> [Event.ID] {
        var ids: [Event.ID] = []
        for _ in 0..<count {
            let event = try event()
            _ = try await store.append(event)
            ids.append(event.id)
        }
        return ids
    }

    func poll(_ checkpoint: Checkpoint? = nil) async throws -> PollAnswer {
        let cursor = Cursor.Key(consumer: .standard, source: source.id)
        return try await store.poll(PollRequest(cursor: cursor, checkpoint: checkpoint?.description))
    }

    /// Runs SQL on the file as a second program would, with the right to write.
    func tamper(_ sql: String) throws {
        let queue = try DatabaseQueue(path: scratch.database)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    }
}

/// The refusal with which `path` is not opened; fails the test when it is opened.
func refusal(
    opening path: String, migrating: SQLiteEventStore.Migrating = .always
) async throws -> StartRefusal {
    do {
        let store = try await SQLiteHarness.open(
            path, ConformanceSetUp(), Limits.Settings(), migrating: migrating)
        await store.close()
    } catch let refusal as StartRefusal {
        return refusal
    }
    throw Unexpected("the database was opened")
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The failure that `body` throws; fails the test when it throws none.
func failure(of body: () async throws -> Void) async throws -> StoreFailure {
    do { try await body() } catch let failure as StoreFailure { return failure }
    throw Unexpected("nothing was thrown")
}

/// A second program's connection, whose transactions stay open between calls.
func foreignConnection(_ path: String, readonly: Bool = false) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = readonly
    configuration.allowsUnsafeTransactions = true
    return try DatabaseQueue(path: path, configuration: configuration)
}
