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

    let store = Mutex<ScratchStore?>(nil)
    Benchmark("store, \(batch) callers", configuration: .init(maxIterations: 500)) { benchmark, parts in
        for _ in benchmark.scaledIterations {
            let events = try parts.path.events()
            benchmark.startMeasurement()
            try await parts.store.append(events, byCallers: batch)
            benchmark.stopMeasurement()
        }
    } setup: {
        let made = try await ScratchStore()
        store.withLock { $0 = made }
        return (path: try HotPath(count: batch), store: made)
    } teardown: {
        try await store.withLock { $0 }?.remove()
    }
}
