import Benchmark
import EventQueue
import HotPath
import Synchronization

// What a request costs on its way into the store. Opened by an environment variable, so that nobody fetches the
// benchmark package to build the service:
//
//     ORGLOOP_QUEUE_BENCHMARKS=1 swift package --disable-sandbox benchmark --target QueueBenchmarks
//
// `store` commits to a real file with synchronous=FULL: its wall clock is the disk's, its processor time ours.

private let batch = 64

/// What the benchmark of the store works with.
private struct Parts {
    let path: HotPath
    let store: ScratchStore
}

/// Keeps the store for its removal, which is told nothing of the set-up.
private final class Kept: Sendable {
    let store = Mutex<ScratchStore?>(nil)
}

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .instructions, .throughput], scalingFactor: .one, maxDuration: .seconds(3))

    for step in HotPath.Step.allCases {
        Benchmark("\(step.rawValue), \(batch) requests") { benchmark, path in
            for _ in benchmark.scaledIterations { blackHole(try path.run(step)) }
        } setup: {
            try HotPath(count: batch)
        }
    }

    let kept = Kept()
    Benchmark("store, \(batch) callers", configuration: .init(maxIterations: 500)) { (benchmark, parts: Parts) in
        for _ in benchmark.scaledIterations {
            let events = try parts.path.events()
            benchmark.startMeasurement()
            try await parts.store.append(events, byCallers: batch)
            benchmark.stopMeasurement()
        }
    } setup: {
        let store = try await ScratchStore()
        kept.store.withLock { $0 = store }
        return Parts(path: try HotPath(count: batch), store: store)
    } teardown: {
        try await kept.store.withLock { $0 }?.remove()
    }
}
