/// One thing that was measured.
struct Figure: Sendable {
    /// What a value counts, which decides how it is written.
    enum Unit: Sendable { case count, perSecond, microseconds, ratio, share, bytes }

    /// The member of the JSON object; its end is the unit.
    let key: String
    /// What it is, for a person.
    let name: String
    /// `nil` where it cannot be told.
    let value: Double?
    let unit: Unit
    var target: Target?

    init(_ key: String, _ name: String, _ value: Double?, _ unit: Unit, target: Target? = nil) {
        self.key = key
        self.name = name
        self.value = value
        self.unit = unit
        self.target = target
    }

    var text: String { value.map(spelled) ?? "-" }

    var targetText: String { target?.text(spelled) ?? "-" }

    /// `nil` when it has no target, or no value.
    var isReached: Bool? { target.flatMap { target in value.map(target.isReached) } }

    private func spelled(_ value: Double) -> String {
        switch unit {
        case .count: "\(Int(value.rounded()))"
        case .perSecond: FigureText.perSecond(value)
        case .microseconds: FigureText.time(microseconds: value)
        case .share: FigureText.percent(value)
        case .ratio: FigureText.ratio(value)
        case .bytes: StatusReport.size(Int64(value))
        }
    }
}

extension LoadFigures {
    /// The figures of a run of requests, one to a line.
    var figures: [Figure] {
        [
            Figure("requests", "requests", Double(answers), .count),
            Figure("unexpected", "unexpected answers", Double(unexpected), .count),
            Figure("elapsed_us", "time", elapsed / .microseconds(1), .microseconds),
            Figure("requests_per_second", "requests a second", perSecond, .perSecond),
            Figure("p50_us", "latency, median", medianMicroseconds, .microseconds),
            Figure("p90_us", "latency, p90", microseconds(percentile: 90), .microseconds),
            Figure("p99_us", "latency, p99", microseconds(percentile: 99), .microseconds),
            Figure("p99_9_us", "latency, p99.9", microseconds(percentile: 99.9), .microseconds),
            Figure("max_us", "latency, longest", microseconds(percentile: 100), .microseconds),
            Figure("generator_busy", "load generator, busy", generatorShare, .share),
        ]
    }
}
