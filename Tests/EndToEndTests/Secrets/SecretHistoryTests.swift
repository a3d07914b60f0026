import EventQueue
import EventQueueSQLite
import Foundation
import Logging
import Synchronization
import Testing

@testable import OrgLoopQueueCommand

/// The part of the service that keeps the history of secrets, on a real store whose first writes fail.
@Suite(.timeLimit(.minutes(5))) struct SecretHistoryTests {
    @Test func `what cannot be recorded at the start is recorded when there is room, and told once`() async throws {
        let scene = try await Scene(failing: 3)
        let history = scene.history(["a": "one"])
        let running = Task { try await history.run() }
        while try await scene.store.secretHistory().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        running.cancel()
        try? await running.value
        #expect(scene.attempts == 4)
        #expect(try await scene.inUse() == ["a one"])
        #expect(scene.warnings == ["which secrets are in use could not be recorded; it is tried again"])
        await scene.store.close()
    }

    @Test func `another configuration replaces the one that could not be recorded`() async throws {
        let scene = try await Scene(failing: 1)
        let history = scene.history(["a": "one", "b": "two"])
        await history.record(scene.sources(["a": "one"]))
        #expect(try await scene.inUse() == [])
        await history.record(scene.sources(["a": "three"]))
        #expect(try await scene.inUse() == ["a three"])
        #expect(try await scene.store.secretHistory().count == 1)
        await scene.store.close()
    }

    @Test func `of many configurations at once the last one is on record in the end`() async throws {
        let scene = try await Scene(failing: 0)
        let history = scene.history([:])
        for number in 0..<20 {
            async let one: Void = history.record(scene.sources(["a": "one \(number)"]))
            async let other: Void = history.record(scene.sources(["a": "other \(number)"]))
            _ = await (one, other)
            await history.record(scene.sources(["a": "last \(number)"]))
            // The one before may have been under way and takes the last one along.
            while try await scene.inUse() != ["a last \(number)"] { await Task.yield() }
        }
        await scene.store.close()
    }

    @Test func `a service that is told to stop at once has recorded what it began with`() async throws {
        let scene = try await Scene(failing: 0)
        let history = scene.history(["a": "one"])
        let running = Task { try await history.run() }
        running.cancel()
        try? await running.value
        #expect(try await scene.inUse() == ["a one"])
        await scene.store.close()
    }

    // MARK: Helpers

    /// A store, and what happened to it.
    private final class Scene: Sendable {
        let store: SQLiteEventStore
        private let scratch: Scratch
        private let failures: Mutex<Int>
        private let counted = Mutex(0)
        private let log = LogLines()

        init(failing count: Int) async throws {
            scratch = try Scratch()
            failures = Mutex(count)
            store = try await SQLiteEventStore.open(
                SQLiteEventStore.Configuration(path: scratch.path + "/queue.db", sources: []), doorbell: Doorbell(),
                clock: { .now() }, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        }

        var attempts: Int { counted.withLock(\.self) }
        var warnings: [String] { log.lines }

        func history(_ secrets: [String: String]) -> SecretHistory {
            let log = log
            return SecretHistory(
                sources(secrets), logger: Logger(label: "tests") { _ in LineLogHandler(log) }, pause: .milliseconds(1)
            ) { uses in
                self.counted.withLock { $0 += 1 }
                let fails = self.failures.withLock { left in
                    defer { left = max(0, left - 1) }
                    return left > 0
                }
                if fails { throw StoreFailure.diskFull("The disk is full.") }
                return try await self.store.recordSecrets(uses)
            }
        }

        func sources(_ secrets: [String: String]) -> [SourceConfiguration] {
            secrets.sorted { $0.key < $1.key }.compactMap { id, text in
                guard let id = Source.ID(id), let secret = Secret(text) else { return nil }
                return SourceConfiguration(
                    id: id, connector: .webhook, kind: .webhook(eventTypeField: ["type"]),
                    verification: .secret([.hub], [secret]), bufferDirectory: nil, origin: nil)
            }
        }

        /// The sources and secrets that are on record as in use.
        func inUse() async throws -> [String] {
            let names = ["one", "two", "three"] + (0..<20).flatMap { ["one \($0)", "other \($0)", "last \($0)"] }
            return try await store.secretHistory().filter { $0.droppedAt == nil }.map { period in
                let name = names.first { Secret($0)?.keyID == period.use.keyID }
                return "\(period.use.source) \(name ?? "?")"
            }
        }
    }
}

/// The warnings that were logged.
private final class LogLines: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock(\.self) }
    func add(_ line: String) { kept.withLock { $0.append(line) } }
}

private struct LineLogHandler: LogHandler {
    let log: LogLines
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    init(_ log: LogLines) { self.log = log }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.level >= .warning { log.add("\(event.message)") }
    }
}
