import Foundation

/// The rounds of a comparison: every peer in turn, A B C B C A, so that none is always the first.
struct Alternation {
    let scratch: BenchScratch
    let progress: LoadProgress
    let connections: Int
    let rounds: Int
    let roundTime: Duration

    /// A peer that runs.
    private struct Running {
        let kind: PeerKind
        let peer: any Peer
        /// Answers a second, to write down enough requests beforehand.
        var rateMax = LoadPlan.rateUnknown
    }

    /// How long each is warmed up: Node compiles what runs often.
    private static let warmUp: Duration = .seconds(1)
    /// How much more than when it was warmed up a peer can be expected to reach.
    private static let rateReserve = 3.0

    func run() async throws -> Comparison {
        var (running, leftOut) = try await start()
        defer { for one in running { one.peer.stop() } }
        var bodies = SessionBodies()
        for index in running.indices {
            let (figures, _) = try await measure(running[index], min(Self.warmUp, roundTime), "warming up", &bodies)
            running[index].rateMax = figures.perSecond * Self.rateReserve
        }
        var comparison = Comparison(
            running.map(\.kind), leftOut: leftOut, connections: connections, rounds: rounds, roundTime: roundTime)
        for round in 1...rounds {
            for place in running.indices {
                let one = running[(round - 1 + place) % running.count]
                let stage = "round \(round) of \(rounds), \(one.kind.rawValue)"
                let (figures, cost) = try await measure(one, roundTime, stage, &bodies)
                comparison.add(figures, cost, of: one.kind)
            }
        }
        return comparison
    }

    private func start() async throws -> (running: [Running], leftOut: [(kind: PeerKind, program: String)]) {
        var running: [Running] = []
        var leftOut: [(kind: PeerKind, program: String)] = []
        for kind in PeerKind.allCases {
            do {
                running.append(Running(kind: kind, peer: try await kind.start(in: scratch, connections: connections)))
            } catch let missing as PeerMissing {
                leftOut.append((kind, missing.program))
            }
        }
        return (running, leftOut)
    }

    private func measure(
        _ one: Running, _ time: Duration, _ stage: String, _ bodies: inout SessionBodies
    ) async throws -> (figures: LoadFigures, cost: ServiceCost) {
        progress.begin(stage)
        // What another has written and not synced is not to be synced at this one's expense.
        await Blocking.run { sync() }
        let plan = LoadPlan(connections: connections, limit: .duration(time))
        let before = one.peer.usage
        let figures = try await one.peer.measure(plan, rateMax: one.rateMax, &bodies, progress)
        try figures.requireSuccess(of: one.kind.rawValue)
        return (figures, ServiceCost(from: before, to: one.peer.usage, answers: figures.answers))
    }
}
