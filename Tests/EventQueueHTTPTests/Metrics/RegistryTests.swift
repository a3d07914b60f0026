import CoreMetrics
import EventQueue
import Testing

@testable import EventQueueHTTP

/// What instruments of swift-metrics count is what is written.
@Suite struct RegistryTests {
    private let registry = PrometheusRegistry([
        .counter("hits_total", "A \\ and\na line."), .gauge("level", "Level."), .histogram("size", [1, 10], "Size."),
        .histogram("time_seconds", [0.5], "Time."),
    ])

    @Test func `instruments with the same labels count together, others apart`() throws {
        for _ in 1...3 { Counter(label: "hits_total", dimensions: [("a", "x")], factory: registry).increment() }
        Counter(label: "hits_total", dimensions: [("a", "y")], factory: registry).increment(by: 5)
        let read = try Exposition(registry.text)
        #expect(read.value("hits_total", ["a": "x"]) == 3)
        #expect(read.value("hits_total", ["a": "y"]) == 5)
    }

    @Test func `whatever a label or a help text holds, it is read as it was`() throws {
        let odd = "a\"b\\c\nd}{,=é"
        Counter(label: "hits_total", dimensions: [("a", odd), ("b", "")], factory: registry).increment()
        let read = try Exposition(registry.text)
        #expect(read.value("hits_total", ["a": odd, "b": ""]) == 1)
        #expect(read.families[0].help == "A \\\\ and\\na line.")
    }

    @Test func `a value on a bound is in the bucket below it`() throws {
        let size = Recorder(label: "size", factory: registry)
        for value in [1, 2, 10, 11] { size.record(value) }
        Timer(label: "time_seconds", factory: registry).recordMilliseconds(250)
        let read = try Exposition(registry.text)
        let buckets = ["1", "10", "+Inf"].map { read.value("size_bucket", ["le": $0]) }
        #expect(buckets == [1, 3, 4])
        #expect(read.value("size_sum") == 24)
        #expect(read.value("time_seconds_sum") == 0.25)
        #expect(read.value("time_seconds_bucket", ["le": "0.5"]) == 1)
    }

    @Test(arguments: [0, 0.25, -3, 1e15, 1e300, 1e-9, .infinity, -.infinity] as [Double])
    func `a gauge has the number that was recorded last`(value: Double) throws {
        let gauge = Gauge(label: "level", factory: registry)
        gauge.record(7)
        gauge.record(value)
        let read = try Exposition(registry.text)
        #expect(read.value("level") == value)
    }

    @Test func `a meter goes up and down, and what is destroyed is gone`() throws {
        let meter = Meter(label: "level", factory: registry)
        meter.set(3)
        meter.increment()
        meter.decrement(by: 0.5)
        let before = try Exposition(registry.text)
        #expect(before.value("level") == 3.5)
        meter.destroy()
        let after = try Exposition(registry.text)
        #expect(after.value("level") == nil)
    }

    @Test func `nothing that is counted at once is lost`() async throws {
        let counter = Counter(label: "hits_total", factory: registry)
        let size = Recorder(label: "size", factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for value in 0..<1000 {
                        counter.increment()
                        size.record(value)
                    }
                }
            }
        }
        let read = try Exposition(registry.text)
        #expect(read.value("hits_total") == 8000)
        #expect(read.value("size_count") == 8000)
        #expect(read.value("size_sum") == 3_996_000)
    }

    @Test func `thousands of readers do not become thousands of series`() throws {
        let cursors = try (0..<300).map { number in
            QueueStatus.CursorStatus(
                consumer: try #require(Consumer.ID("c\(number)")), counts: [.pending: number], oldestPendingAt: nil,
                position: Event.Sequence(rawValue: 0), lastBatch: nil, session: nil)
        }
        let source = QueueStatus.SourceStatus(
            id: try #require(Source.ID("s")), events: 9, held: 4, lastReceivedAt: nil, quarantined: 3,
            quarantineDropped: 2, cursors: cursors)
        let status = QueueStatus(sources: [source], databaseBytes: 1 << 40, walBytes: 7, freeBytes: nil)
        let moment = Metrics.Moment(
            now: .now(), status: status, configuration: nil, isReady: false, limits: .init(), connectionsOpen: 1,
            bytesInFlight: 2)
        let metrics = Metrics(build: .init(version: "1.2.3", facts: [("sqlite", "3.40.1")]), startedAt: .now())
        let read = try Exposition(metrics.text(moment))
        let listed = read.families.first { $0.name == "orgloop_queue_oldest_pending_age_seconds" }
        #expect(listed?.samples.count == 200)
        #expect(read.value("readers") == 300)
        #expect(read.value("events", ["source": "s", "consumer": "c199", "state": "pending"]) == 199)
        #expect(read.value("database_bytes") == 1_099_511_627_776)
        #expect(read.value("free_bytes") == nil)
        #expect(read.value("quarantine_dropped_total", ["source": "s"]) == 2)
        #expect(read.value("build_info", ["version": "1.2.3", "sqlite": "3.40.1"]) == 1)
        #expect(read.value("ready") == 0)
    }
}
