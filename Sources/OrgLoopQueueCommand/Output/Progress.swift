/// One line on a terminal that says how far a long command is, how fast, and how long it will take; nothing
/// anywhere else.
struct Progress {
    /// What is counted.
    enum Unit { case count, bytes }

    /// A line that changes more often cannot be read, and drawing costs time.
    private static let interval: Duration = .milliseconds(100)
    /// A rate over less than this says nothing.
    private static let shortestRated: Duration = .seconds(1)
    private static let barWidth = 25

    private let now: () -> ContinuousClock.Instant
    private let draw: (String) -> Void
    private let isShown: Bool
    private var verb: String
    private var began: ContinuousClock.Instant
    private var drawn: ContinuousClock.Instant?
    private var total: Int
    private let unit: Unit
    private var done = 0

    /// Shows on standard error, if that is a terminal.
    ///
    /// - Parameter total: 0 when it is not known.
    init(_ verb: String, total: Int = 0, unit: Unit = .count) {
        self.init(
            verb, total: total, unit: unit, isShown: total != 1 && StandardStream.error.isTerminal,
            draw: { try? StandardStream.error.write(Array($0.utf8)) }, now: { .now })
    }

    init(
        _ verb: String, total: Int, unit: Unit = .count, isShown: Bool, draw: @escaping (String) -> Void,
        now: @escaping () -> ContinuousClock.Instant
    ) {
        self.verb = verb
        self.total = total
        self.unit = unit
        self.isShown = isShown
        self.draw = draw
        self.now = now
        began = now()
    }

    /// Shows `done` of the total.
    mutating func show(_ done: Int) { show(verb, done, of: total, unit: unit) }

    /// Shows that `amount` more is done.
    mutating func advance(by amount: Int) {
        done += amount
        show(done)
    }

    /// Writes a line of its own above the progress.
    func interrupt(_ line: String) {
        end()
        StandardStream.error.say(line)
    }

    /// Shows `done` of `total`; another `verb` than before begins another stage, whose rate is its own.
    mutating func show(_ verb: String, _ done: Int, of total: Int, unit: Unit = .count) {
        guard isShown else { return }
        let time = now()
        if verb != self.verb {
            self.verb = verb
            began = time
            drawn = nil
        }
        self.total = total
        // A stage that is silent for long shows its name from the start.
        guard drawn.map({ time - $0 >= Self.interval }) ?? true else { return }
        drawn = time
        draw("\r" + Self.line(verb, done, of: total, unit, after: time - began) + "\u{1B}[K")
    }

    /// Clears the line.
    func end() {
        guard isShown else { return }
        draw("\r\u{1B}[K")
    }

    /// The line without what positions it.
    static func line(_ verb: String, _ done: Int, of total: Int, _ unit: Unit, after elapsed: Duration) -> String {
        let rate = elapsed >= shortestRated && done > 0 ? Double(done) / (elapsed / .seconds(1)) : nil
        guard total > 0 else {
            guard let rate else { return "\(verb) …" }
            return "\(verb) \(text(done, unit))  \(text(Int(rate), unit))/s"
        }
        let filled = min(done, total) * barWidth / total
        let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: barWidth - filled)
        let line = "\(verb) [\(bar)] \(text(done, unit))/\(text(total, unit))"
        guard let rate else { return line }
        let left = Int64((Double(max(total - done, 0)) / rate).rounded(.up))
        return line + "  \(text(Int(rate), unit))/s  \(StatusReport.age(left)) left"
    }

    private static func text(_ number: Int, _ unit: Unit) -> String {
        switch unit {
        case .count: "\(number)"
        case .bytes: StatusReport.size(Int64(number))
        }
    }
}
