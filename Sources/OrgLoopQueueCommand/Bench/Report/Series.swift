/// The same figure, measured several times.
struct Series: Sendable, Equatable {
    private(set) var values: [Double] = []

    init(_ values: [Double] = []) { self.values = values }

    mutating func add(_ value: Double) { values.append(value) }

    /// The middle one, or the mean of the two in the middle; 0 when there is none.
    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
        return (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The smallest value that so many percent of them do not exceed; 0 when there is none.
    func percentile(_ percent: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let place = Int((Double(sorted.count) * percent / 100).rounded(.up))
        return sorted[Swift.min(Swift.max(place, 1), sorted.count) - 1]
    }

    var min: Double { values.min() ?? 0 }
    var max: Double { values.max() ?? 0 }

    /// Each value by the one of the same round.
    ///
    /// A machine that is slower in one round than in another is so for both, so their ratio says more than that of two
    /// medians.
    func ratios(to other: Series) -> Series {
        Series(zip(values, other.values).compactMap { $1 > 0 ? $0 / $1 : nil })
    }
}
