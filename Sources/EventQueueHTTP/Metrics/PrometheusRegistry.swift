import CoreMetrics
import Synchronization

/// Keeps what instruments of swift-metrics count, and writes it as Prometheus reads it
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// Each service has its own, handed to its instruments: swift-metrics' global factory can be set only once in a
/// process. Only what is declared can be counted, so every family has its help and its buckets.
final class PrometheusRegistry: MetricsFactory {
    private static let prefix = "orgloop_queue_"

    /// In the order in which they are written.
    private let families: [MetricFamily]
    private let kinds: [String: MetricFamily.Kind]
    /// By name, then by labels as they are written.
    private let values = Mutex<[String: [String: any MetricValue]]>([:])

    init(_ families: [MetricFamily]) {
        self.families = families
        kinds = Dictionary(families.map { ($0.name, $0.kind) }) { _, _ in
            preconditionFailure("a metric is declared once")
        }
    }

    /// The exposition text.
    var text: String {
        let values = values.withLock { $0 }
        var text = ""
        for family in families {
            let name = Self.prefix + family.name
            text += "# HELP \(name) \(Self.escapedHelp(family.help))\n# TYPE \(name) \(family.kind.name)\n"
            for (labels, value) in (values[family.name] ?? [:]).sorted(by: { $0.key < $1.key }) {
                for sample in value.samples {
                    let all = [labels, sample.label].filter { !$0.isEmpty }.joined(separator: ",")
                    text += "\(name)\(sample.suffix)\(all.isEmpty ? "" : "{\(all)}") \(sample.value)\n"
                }
            }
        }
        return text
    }

    // MARK: MetricsFactory

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        value(label, dimensions) { $0 == .counter ? CounterValue() : nil }
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        value(label, dimensions) { $0 == .gauge ? GaugeValue() : nil }
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return value(label, dimensions) { $0 == .gauge ? GaugeValue() : nil } }
        return histogram(label, dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { histogram(label, dimensions) }

    func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> HistogramValue {
        value(name, dimensions) { kind in
            guard case .histogram(let bounds) = kind else { return nil }
            return HistogramValue(bounds: bounds)
        }
    }

    /// The value that these labels already have, or a new one.
    private func value<Value: MetricValue>(
        _ name: String, _ dimensions: [(String, String)], _ make: (MetricFamily.Kind) -> Value?
    ) -> Value {
        guard let new = kinds[name].flatMap(make) else {
            preconditionFailure("\(name) is not declared, or as something else")
        }
        let labels = dimensions.map { "\($0)=\"\(Self.escapedValue($1))\"" }.joined(separator: ",")
        return values.withLock { values in
            if let known = values[name]?[labels] as? Value { return known }
            values[name, default: [:]][labels] = new
            return new
        }
    }

    private func forget(_ handler: AnyObject) {
        values.withLock { values in
            values = values.mapValues { $0.filter { $0.value !== handler } }
        }
    }

    private static func escapedValue(_ text: String) -> String { escapedHelp(text).replacing("\"", with: "\\\"") }

    private static func escapedHelp(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}

/// The instruments of one family: each is made when its labels are first seen, and found again quickly.
final class Instruments<Key: Hashable & Sendable, Instrument: Sendable>: Sendable {
    private let made = Mutex<[Key: Instrument]>([:])
    private let make: @Sendable (Key) -> Instrument

    init(_ make: @escaping @Sendable (Key) -> Instrument) { self.make = make }

    subscript(key: Key) -> Instrument {
        made.withLock { made in
            if let known = made[key] { return known }
            let new = make(key)
            made[key] = new
            return new
        }
    }
}
