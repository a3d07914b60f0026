/// What a figure is to be.
enum Target: Sendable, Equatable {
    case atLeast(Double)
    case atMost(Double)

    func isReached(by value: Double) -> Bool {
        switch self {
        case .atLeast(let least): value >= least
        case .atMost(let most): value <= most
        }
    }

    /// The bound with its sign, spelled as values of the figure are.
    func text(_ spelled: (Double) -> String) -> String {
        switch self {
        case .atLeast(let least): "≥ " + spelled(least)
        case .atMost(let most): "≤ " + spelled(most)
        }
    }

    /// The members of its JSON object.
    func members(for value: Double) -> [(String, String)] {
        let bound: (String, String) =
            switch self {
            case .atLeast(let least): ("at_least", FigureText.json(least))
            case .atMost(let most): ("at_most", FigureText.json(most))
            }
        return [bound, ("reached", "\(isReached(by: value))")]
    }
}
