import Histogram

/// What a run of load measured.
struct LoadFigures: Sendable {
    /// Answers that were what the sender waited for.
    private(set) var answers = 0
    /// Answers that were not, and connections that were lost.
    private(set) var unexpected = 0
    /// What the first of those was.
    private(set) var firstUnexpected: String?
    /// From the first request to the last answer.
    var elapsed: Duration = .zero
    /// How much of that the generator's thread was at work.
    var busy: Duration = .zero

    /// Nanoseconds of each answer, three digits exact.
    private var latencies = Histogram<UInt32>(
        highestTrackableValue: Self.latencyMax, numberOfSignificantValueDigits: .three)
    private static let latencyMax: UInt64 = 120_000_000_000

    mutating func answered(after nanoseconds: UInt64) {
        answers += 1
        latencies.record(min(max(nanoseconds, 1), Self.latencyMax))
    }

    mutating func failed(_ reason: String) {
        unexpected += 1
        firstUnexpected = firstUnexpected ?? reason
    }

    /// Adds what another run of the same kind measured.
    mutating func add(_ other: LoadFigures) {
        answers += other.answers
        unexpected += other.unexpected
        firstUnexpected = firstUnexpected ?? other.firstUnexpected
        elapsed += other.elapsed
        busy += other.busy
        latencies.add(other.latencies)
    }

    /// Answers a second; 0 for a run that took no time.
    var perSecond: Double { elapsed > .zero ? Double(answers) / (elapsed / .seconds(1)) : 0 }

    /// The part of the time that the generator's thread was at work: near 1 it is what bounds the rate.
    var generatorShare: Double { elapsed > .zero ? busy / elapsed : 0 }

    /// What is to be said of figures that tell about the generator.
    func generatorWarning(of name: String) -> String? {
        guard generatorShare > Self.generatorShareMax else { return nil }
        return "\(name): the load generator was busy for \(FigureText.percent(generatorShare)) of the time, "
            + "and may be what bounds the rate"
    }

    private static let generatorShareMax = 0.9

    /// Below which so many percent of the answers came.
    func microseconds(percentile: Double) -> Double { Double(latencies.valueAtPercentile(percentile)) / 1000 }

    var medianMicroseconds: Double { microseconds(percentile: 50) }

    /// - Throws: ``CommandFailure`` when anything unexpected was answered, or nothing: figures of a run that failed
    ///   would mislead.
    func requireSuccess(of name: String) throws {
        guard unexpected > 0 else {
            guard answers == 0 else { return }
            throw CommandFailure(message: "\(name): nothing was answered", mend: "Measure for longer.")
        }
        throw CommandFailure(
            message: "\(name): \(counted(unexpected, "unexpected answer")) beside \(answers) good ones, the first: "
                + (firstUnexpected ?? "unknown"),
            mend: "Figures of such a run would mislead. Check the secret, the source, and the log of the service.")
    }
}
