/// One line on a terminal that says how far a long command is; nothing anywhere else.
struct Progress {
    private let total: Int
    private let verb: String
    private let isShown: Bool
    private var shown: Int?

    init(_ verb: String, total: Int) {
        self.verb = verb
        self.total = total
        isShown = total > 1 && StandardStream.error.isTerminal
    }

    /// Shows `done` of the total; redraws once a percent.
    mutating func show(_ done: Int) {
        let percent = done * 100 / max(total, 1)
        guard isShown, percent != shown else { return }
        shown = percent
        let bar = String(repeating: "#", count: percent / 4).padded(to: 25)
        try? StandardStream.error.write(Array("\r\(verb) [\(bar)] \(done)/\(total)".utf8))
    }

    /// Clears the line.
    func end() {
        guard isShown else { return }
        try? StandardStream.error.write(Array("\r\u{1B}[K".utf8))
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: width - count) }
}
