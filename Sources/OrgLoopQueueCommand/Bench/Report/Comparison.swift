/// What the service and its peers reached, measured in alternation.
struct Comparison {
    /// One of those that are compared, with a value of every round.
    struct Side {
        let kind: PeerKind
        var perSecond = Series()
        /// Of its process for each request; empty where nothing tells it.
        var cpuMicroseconds = Series()
        var figures = LoadFigures()
    }

    let connections: Int
    let rounds: Int
    let roundTime: Duration
    private(set) var sides: [Side]
    /// Those that are not here, with the program that is missing.
    let leftOut: [(kind: PeerKind, program: String)]

    init(
        _ kinds: [PeerKind], leftOut: [(kind: PeerKind, program: String)], connections: Int, rounds: Int,
        roundTime: Duration
    ) {
        sides = kinds.map { Side(kind: $0) }
        self.leftOut = leftOut
        self.connections = connections
        self.rounds = rounds
        self.roundTime = roundTime
    }

    /// Adds what one of them reached in the next of its rounds.
    mutating func add(_ figures: LoadFigures, _ cost: ServiceCost, of kind: PeerKind) {
        guard let index = sides.firstIndex(where: { $0.kind == kind }) else { return }
        sides[index].perSecond.add(figures.perSecond)
        sides[index].figures.add(figures)
        if let time = cost.cpuMicrosecondsPerRequest { sides[index].cpuMicroseconds.add(time) }
    }

    /// How many times as many requests the service answered as `side`, round by round; `nil` for itself.
    func ratios(to side: Side) -> Series? {
        guard side.kind != .service, let own = sides.first(where: { $0.kind == .service }) else { return nil }
        return own.perSecond.ratios(to: side.perSecond)
    }

    func lines(colour: Bool) -> [String] {
        var table = Table([
            ("PEER", .leading), ("ITS ANSWER MEANS", .leading), ("REQUESTS/S", .trailing), ("MIN–MAX", .trailing),
            ("P50", .trailing), ("P99", .trailing), ("ITS CPU", .trailing), ("LOAD", .trailing),
            ("OURS/ITS", .trailing), ("MIN–MAX", .trailing),
            ("TARGET", .trailing),
        ])
        for side in sides { table.add(row(side)) }
        let seconds = FigureText.number(roundTime / .seconds(1))
        let title = "\(connections) connections, \(counted(rounds, "round")) of \(seconds) s in alternation"
        let notes = [
            "rates, ratios and CPU a request: medians of the rounds; P50 and P99: over the answers of all rounds",
            "LOAD: how busy the load generator's thread was; near 100 % it bounds the rate",
        ]
        return [title] + notes + table.lines(colour: colour)
            + leftOut.map { "left out: \($0.kind.rawValue), because \($0.program) is not installed" }
    }

    private func row(_ side: Side) -> [Table.Cell] {
        let ratios = ratios(to: side)
        let target = side.kind.target.map { Target.atLeast($0) }
        let style: Table.Style =
            ratios.flatMap { ratios in target.map { $0.isReached(by: ratios.median) ? .good : .warning } } ?? .plain
        return [
            .init(side.kind.rawValue), .init(side.kind.promise), .init("\(Int(side.perSecond.median.rounded()))"),
            .init("\(Int(side.perSecond.min.rounded()))–\(Int(side.perSecond.max.rounded()))"),
            .init(FigureText.time(microseconds: side.figures.medianMicroseconds)),
            .init(FigureText.time(microseconds: side.figures.microseconds(percentile: 99))),
            .init(
                side.cpuMicroseconds.values.isEmpty ? "-" : FigureText.time(microseconds: side.cpuMicroseconds.median)),
            .init(FigureText.percent(side.figures.generatorShare)),
            .init(ratios.map { FigureText.ratio($0.median) } ?? "-", style),
            .init(ratios.map { "\(FigureText.number($0.min))–\(FigureText.number($0.max))" } ?? "-"),
            .init(target?.text(FigureText.ratio) ?? "-"),
        ]
    }

    /// What is to be said of figures that tell about the load generator.
    var warnings: [String] { sides.compactMap { $0.figures.generatorWarning(of: $0.kind.rawValue) } }

    /// - Parameter machine: What it was measured on.
    func json(_ machine: BenchMachine) -> String {
        let circumstances = [
            ("bench", JSONOutput.quoted("compare")), ("connections", "\(connections)"), ("rounds", "\(rounds)"),
            ("round_seconds", FigureText.json(roundTime / .seconds(1))),
        ]
        return JSONOutput.object(
            circumstances + machine.members + [
                ("peers", JSONOutput.array(sides.map { JSONOutput.object(members($0)) })),
                (
                    "left_out",
                    JSONOutput.array(
                        leftOut.map {
                            JSONOutput.object([
                                ("name", JSONOutput.quoted($0.kind.rawValue)),
                                ("missing", JSONOutput.quoted($0.program)),
                            ])
                        })
                ),
            ])
    }

    private func members(_ side: Side) -> [(String, String)] {
        var members = [
            ("name", JSONOutput.quoted(side.kind.rawValue)), ("answer_means", JSONOutput.quoted(side.kind.promise)),
            ("requests", "\(side.figures.answers)"),
            ("elapsed_seconds", FigureText.json(side.figures.elapsed / .seconds(1))),
        ]
        members += Self.members("requests_per_second", side.perSecond)
        members += [
            ("p50_us", FigureText.json(side.figures.medianMicroseconds)),
            ("p99_us", FigureText.json(side.figures.microseconds(percentile: 99))),
        ]
        if !side.cpuMicroseconds.values.isEmpty {
            members.append(("cpu_us_per_request", FigureText.json(side.cpuMicroseconds.median)))
        }
        members.append(("generator_busy", FigureText.json(side.figures.generatorShare)))
        guard let ratios = ratios(to: side) else { return members }
        members += Self.members("ratio", ratios)
        return members + (side.kind.target.map { Target.atLeast($0).members(for: ratios.median) } ?? [])
    }

    private static func members(_ name: String, _ series: Series) -> [(String, String)] {
        [
            (name, FigureText.json(series.median)), ("\(name)_min", FigureText.json(series.min)),
            ("\(name)_max", FigureText.json(series.max)),
        ]
    }
}
