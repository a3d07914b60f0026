import ArgumentParser

/// What all benches take.
struct BenchOptions: ParsableArguments {
    @Option(
        help: "Where the scratch directory is made: on the disk that is to be measured (default: TMPDIR, or /var/tmp).")
    var directory: String?

    @Flag(help: "Print one JSON object.")
    var json = false
}

/// How many requests are in flight.
struct BenchConnectionOptions: ParsableArguments {
    @Option(help: "Connections, each with one request in flight.")
    var connections = 64

    func validate() throws {
        guard (1...LoadPlan.connectionsMax).contains(connections) else {
            throw ValidationError("--connections is 1 to \(LoadPlan.connectionsMax).")
        }
    }
}

/// Numbers of options that say how often or how much.
enum BenchNumber {
    /// What a bench takes for a number of events, requests or rounds.
    static func check(_ number: Int, _ option: String, in range: ClosedRange<Int>) throws {
        guard range.contains(number) else {
            throw ValidationError("\(option) is \(range.lowerBound) to \(range.upperBound).")
        }
    }

    static func check(seconds: Double) throws {
        guard (0.01...3600).contains(seconds) else { throw ValidationError("--seconds is 0.01 to 3600.") }
    }

    /// The most events that a database of the bench is filled with: the queue's own bound.
    static let eventsMax = 100_000_000
}
