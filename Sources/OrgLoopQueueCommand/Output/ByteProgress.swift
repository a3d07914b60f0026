import Foundation

/// One line on a terminal that says how many bytes a long command has done, how fast, and how long it takes
/// yet; nothing anywhere else.
struct ByteProgress {
    private let verb: String
    /// `nil` when it is not known.
    private let total: Int?
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var shownAt: ContinuousClock.Instant?
    private var done = 0

    /// Faster than anybody reads, and seldom enough to cost nothing.
    private static let interval: Duration = .milliseconds(100)

    init(_ verb: String, total: Int?) {
        self.verb = verb
        self.total = total
        isShown = StandardStream.error.isTerminal
    }

    /// Counts `bytes` as done.
    mutating func add(_ bytes: Int) {
        done += bytes
        let now = ContinuousClock.now
        guard isShown, shownAt.map({ now - $0 >= Self.interval }) ?? true else { return }
        shownAt = now
        let text = Self.line(verb, done: done, total: total, after: now - start)
        try? StandardStream.error.write(Array("\r\u{1B}[K\(text)".utf8))
    }

    /// What the line says.
    static func line(_ verb: String, done: Int, total: Int?, after time: Duration) -> String {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        let rate = Double(done) / max(seconds, 0.001)
        let speed = "\(StatusReport.size(Int64(rate)))/s"
        guard let total, total > 0 else { return "\(verb) \(StatusReport.size(Int64(done))), \(speed)" }
        let share = min(1, Double(done) / Double(total))
        let width = 25
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: width - filled)
        let left = Int64((Double(max(0, total - done)) / max(rate, 1)).rounded(.up))
        return "\(verb) [\(bar)] \(Int(share * 100)) % of \(StatusReport.size(Int64(total))), \(speed), "
            + "\(StatusReport.age(left)) left"
    }

    /// Writes a line of its own above the progress.
    func interrupt(_ line: String) {
        end()
        StandardStream.error.say(line)
    }

    /// Clears the line.
    func end() {
        guard isShown else { return }
        try? StandardStream.error.write(Array("\r\u{1B}[K".utf8))
    }
}
