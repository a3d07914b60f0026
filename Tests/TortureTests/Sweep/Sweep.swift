import EndToEndSupport

/// Tries a fault at one system call after the other, until what is done meets none of them any more.
protocol Sweep: Sendable {
    var ground: Ground { get }
    /// Where it starts, and how far the next point is.
    var stride: Int { get }
    var random: SeededRandom { get }
}

extension Sweep {
    /// Has `attempt` try points until one does not strike any more; a judgement for each that did.
    func sweep(
        _ strike: Strike, at call: String, _ scope: Point.Scope, _ attempt: (Point) async throws -> Judgement?
    ) async throws -> [Judgement] {
        var judgements: [Judgement] = []
        var number = random.number(in: 1...stride)
        while true {
            let point = Point(strike: strike, call: call, scope: scope, number: number)
            guard let judgement = try await attempt(point) else { return judgements }
            judgements.append(judgement.at("\(ground.kind.rawValue), \(point)"))
            number += stride
        }
    }
}
