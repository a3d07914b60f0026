/// A metric as it is declared once: its name, what it tells, and how it is counted.
struct MetricFamily: Sendable {
    /// How its values behave.
    enum Kind: Sendable, Equatable {
        /// Only grows while the process lives.
        case counter
        case gauge
        /// Counts values by size; the bounds are the upper ends of its buckets, ascending and finite.
        case histogram(bounds: [Double])

        var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// Without the prefix that all metrics of the service have.
    let name: String
    let kind: Kind
    /// One sentence.
    let help: String

    static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(name: name, kind: .counter, help: help)
    }

    static func gauge(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(name: name, kind: .gauge, help: help)
    }

    static func histogram(_ name: String, _ bounds: [Double], _ help: String) -> MetricFamily {
        MetricFamily(name: name, kind: .histogram(bounds: bounds), help: help)
    }
}
