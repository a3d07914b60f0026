import Synchronization

/// How far a run is, on a terminal.
final class LoadProgress: Sendable {
    private let line: Mutex<Progress>
    private let stage = Mutex("")
    private let isShown: Bool

    init(isShown: Bool = StandardStream.error.isTerminal) {
        self.isShown = isShown
        line = Mutex(Progress("measuring"))
    }

    /// What the runs that follow are about.
    func begin(_ name: String) {
        guard isShown else { return }
        stage.withLock { $0 = name }
        line.withLock { $0.show(name, 0, of: 0) }
    }

    /// Called for every answer, so it does nothing where nobody looks.
    func note(_ figures: LoadFigures, of limit: LoadPlan.Limit) {
        guard isShown else { return }
        switch limit {
        case .requests(let count): show(figures.answers, of: count)
        case .duration: show(figures.answers, of: 0)
        }
    }

    /// Shows `done` of `total`.
    func show(_ done: Int, of total: Int) {
        guard isShown else { return }
        let name = stage.withLock(\.self)
        line.withLock { $0.show(name, done, of: total) }
    }

    /// Clears the line.
    func end() { line.withLock { $0.end() } }
}
