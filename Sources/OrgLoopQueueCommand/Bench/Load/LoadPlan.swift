/// How much load one run makes.
struct LoadPlan: Sendable {
    /// When a run ends; what is in flight then is waited for.
    enum Limit: Sendable, Equatable {
        case requests(Int)
        case duration(Duration)
    }

    /// As many requests are in flight at once, each on a connection of its own.
    let connections: Int
    let limit: Limit

    /// More connections than this would measure how this process waits for them.
    static let connectionsMax = 1024

    /// How many different requests are written down for it, if a second is expected to take `rateMax` of them at most.
    ///
    /// A run that uses them all up ends early, and its figures have the time that it took.
    func requests(rateMax: Double) -> Int {
        switch limit {
        case .requests(let count): count
        case .duration(let duration):
            min(max(Int(duration / .seconds(1) * rateMax), 2 * connections), Self.requestsMax)
        }
    }

    /// The most requests of a run: they take some 600 MB of memory.
    static let requestsMax = 1_000_000
    /// What a second is expected to take at most in a first run, when no rate is known.
    static let rateUnknown = 40_000.0
}
