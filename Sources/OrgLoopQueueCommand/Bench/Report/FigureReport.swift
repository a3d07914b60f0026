import Foundation

/// Figures as `bench` prints them: a table for a person, one object for a machine.
struct FigureReport {
    /// What was measured, in a line above the table.
    let title: String
    /// How it was measured, members of the object that are no figures.
    let circumstances: [(String, String)]
    let figures: [Figure]

    func lines(colour: Bool) -> [String] {
        var table = Table([("FIGURE", .leading), ("VALUE", .trailing), ("TARGET", .trailing)])
        for figure in figures {
            let style: Table.Style = figure.isReached.map { $0 ? .good : .warning } ?? .plain
            table.add([.init(figure.name), .init(figure.text, style), .init(figure.targetText)])
        }
        return [title] + table.withoutEmptyColumns().lines(colour: colour)
    }

    var json: String {
        let values = figures.map { ($0.key, $0.value.map(FigureText.json) ?? "null") }
        let targets = figures.compactMap { figure -> (String, String)? in
            guard let target = figure.target, let value = figure.value else { return nil }
            return (figure.key, JSONOutput.object(target.members(for: value)))
        }
        return JSONOutput.object(
            circumstances + values + (targets.isEmpty ? [] : [("targets", JSONOutput.object(targets))]))
    }

    /// - Parameter machine: What it was measured on.
    func show(json asJSON: Bool, _ machine: BenchMachine) throws {
        let report = FigureReport(title: title, circumstances: circumstances + machine.members, figures: figures)
        try report.show(json: asJSON)
    }

    private func show(json asJSON: Bool) throws {
        guard !asJSON else { return try StandardStream.output.write(line: json) }
        let colour = StandardStream.output.hasColour(ProcessInfo.processInfo.environment)
        for line in lines(colour: colour) { try StandardStream.output.write(line: line) }
    }
}
