import CoreMetrics
import Synchronization

/// One line of the exposition, without the name of its family.
struct MetricSample {
    /// What follows the family's name.
    var suffix = ""
    /// One more label, as it is written; empty where there is none.
    var label = ""
    let value: String
}

/// What one set of labels has counted.
protocol MetricValue: AnyObject, Sendable {
    /// Its lines, all from one moment.
    var samples: [MetricSample] { get }
}

final class CounterValue: CounterHandler, MetricValue {
    private let count = Atomic<Int64>(0)

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { count.store(0, ordering: .relaxed) }

    var samples: [MetricSample] { [MetricSample(value: String(count.load(ordering: .relaxed)))] }
}

final class GaugeValue: RecorderHandler, MeterHandler, MetricValue {
    private let value = Mutex(0.0)

    func set(_ new: Int64) { set(Double(new)) }
    func set(_ new: Double) { value.withLock { $0 = new } }
    func record(_ new: Int64) { set(new) }
    func record(_ new: Double) { set(new) }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }

    var samples: [MetricSample] { [MetricSample(value: value.withLock { $0 }.exposition)] }
}

/// Counts values by size, and durations by their seconds.
final class HistogramValue: RecorderHandler, TimerHandler, MetricValue {
    private struct State {
        /// One more than there are bounds: the last is for what lies above all of them.
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    var samples: [MetricSample] {
        let state = state.withLock { $0 }
        var below: Int64 = 0
        var samples: [MetricSample] = []
        for (bound, count) in zip(bounds.map(\.exposition) + ["+Inf"], state.counts) {
            below += count
            samples.append(MetricSample(suffix: "_bucket", label: "le=\"\(bound)\"", value: String(below)))
        }
        samples.append(MetricSample(suffix: "_sum", value: state.sum.exposition))
        samples.append(MetricSample(suffix: "_count", value: String(below)))
        return samples
    }
}

extension Double {
    /// As the exposition format has numbers: a whole one without a fraction.
    var exposition: String {
        if let whole = Int64(exactly: self) { return String(whole) }
        if isNaN { return "NaN" }
        return isInfinite ? (self < 0 ? "-Inf" : "+Inf") : description
    }
}
