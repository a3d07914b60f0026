import EventQueueConformance
import Foundation
import Testing

@testable import EventQueueSQLite

@Suite struct ModelTests {
    /// `ORGLOOP_QUEUE_MODEL_SEED` plays one history again; `ORGLOOP_QUEUE_MODEL_RUNS` plays more of them.
    private static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["ORGLOOP_QUEUE_MODEL_SEED"].flatMap(UInt64.init) { return [seed] }
        let runs = environment["ORGLOOP_QUEUE_MODEL_RUNS"].flatMap(Int.init) ?? 24
        // New histories every time: a failure prints its seed.
        return (0..<runs).map { _ in UInt64.random(in: 1...1_000_000_000) }
    }

    @Test(arguments: seeds)
    func `random histories end as the reference model says`(seed: UInt64) async throws {
        let setUp = ConformanceSetUp()
        let harness = try await SQLiteHarness(setUp)
        var run = ModelRun(seed: seed, harness, setUp)
        try await run.play(steps: 150)
        await harness.close()
    }
}
