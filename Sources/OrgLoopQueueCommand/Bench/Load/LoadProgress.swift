import Synchronization

/// How far a run is, on a terminal.
final class LoadProgress: Sendable {
    private let line: Mutex<Progress>
    private let name = Mutex("")
    private let isShown: Bool

    init(isShown: Bool = StandardStream.error.isTerminal) {
        self.isShown = isShown
        line = Mutex(Progress("measuring"))
    }

    /// What the runs that follow are about.
    func begin(_ stage: String) {
        guard isShown else { return }
        name.withLock { $0 = stage }
        line.withLock { $0.show(stage, 0, of: 0) }
    }

    /// What is being done.
    var stage: String { name.withLock(\.self) }

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
        let stage = stage
        line.withLock { $0.show(stage, done, of: total) }
    }

    /// Clears the line.
    func end() { line.withLock { $0.end() } }
}
