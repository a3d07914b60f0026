import EventQueue
import EventQueueConformance
import Foundation
import GRDB
import Logging
import Testing

@testable import EventQueueSQLite

/// A directory that goes away with the test.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        let base = FileManager.default.temporaryDirectory.path
        path = "\(base)/orgloop-queue-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    var database: String { path + "/queue.db" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The SQLite engine as the conformance suite takes it.
actor SQLiteHarness: ConformanceHarness {
    nonisolated let scratch: ScratchDirectory
    private let setUp: ConformanceSetUp
    private var current: SQLiteEventStore

    init(_ setUp: ConformanceSetUp, limits: Limits.Settings = Limits.Settings()) async throws {
        scratch = try ScratchDirectory()
        self.setUp = setUp
        self.limits = limits
        current = try await Self.open(scratch.database, setUp, limits)
    }

    private let limits: Limits.Settings

    var store: any EventStore { current }
    var sqlite: SQLiteEventStore { current }

    func restart() async throws {
        await current.close()
        current = try await Self.open(scratch.database, setUp, limits)
    }

    func takeBackup() async throws {
        let backup = try DatabaseQueue(path: scratch.database + ".backup")
        try current.pool.backup(to: backup)
        try backup.close()
    }

    func restoreBackup() async throws {
        await current.close()
        let path = scratch.database
        for file in [path, path + "-wal", path + "-shm"] where FileManager.default.fileExists(atPath: file) {
            try FileManager.default.removeItem(atPath: file)
        }
        try FileManager.default.copyItem(atPath: path + ".backup", toPath: path)
        current = try await Self.open(path, setUp, limits)
    }

    func close() async { await current.close() }

    static func open(
        _ path: String, _ setUp: ConformanceSetUp, _ limits: Limits.Settings,
        migrating: SQLiteEventStore.Migrating = .always, onCommit: @escaping CommitObserver = { _ in }
    ) async throws -> SQLiteEventStore {
        var configuration = SQLiteEventStore.Configuration(path: path, sources: setUp.sources)
        configuration.limits = limits
        configuration.migrating = migrating
        if let refusing = setUp.refusing { configuration.onRegressed[refusing] = .refuse }
        configuration.whenInDoubt[setUp.replaying] = .replay
        return try await SQLiteEventStore.open(
            configuration, doorbell: Doorbell(), clock: setUp.clock.source, logger: quiet, onCommit: onCommit)
    }

    /// Tests look at what happened, not at what was logged.
    private static var quiet: Logger { Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() } }
}

@Suite struct ConformanceTests {
    @Test(arguments: Promise.all)
    func `the SQLite engine keeps every promise`(promise: Promise) async throws {
        let setUp = ConformanceSetUp()
        let harness = try await SQLiteHarness(setUp)
        try await promise.check(harness, setUp)
        let doubles = try await harness.sqlite.pool.read { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM double_emissions")
        }
        #expect(doubles == 0)
        await harness.close()
    }
}
