import EventQueueHTTP
import Foundation
import Testing

/// What the real service tells after a few events were sent and read.
struct MetricScene {
    /// The labels of every sample, by its name.
    private(set) var samples: [String: [[String: String]]] = [:]
    /// The kind of every family, by its name.
    private(set) var kinds: [String: String] = [:]
    let text: String

    /// Runs the service, sends and polls, and asks it.
    static func play() async throws -> MetricScene {
        let scratch = try Scratch()
        try scratch.write(
            "sources: [{ id: claude-code, connector: \"@orgloop/connector-claude-code\" }]\n", to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        let rejected = scratch.state + "/spool/rejected"
        try FileManager.default.createDirectory(atPath: rejected, withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: rejected + "/1.json"))
        for arguments in [["send", "claude-code"], ["poll", "claude-code", "--json"]] {
            #expect(try await service.run(arguments).status == 0)
        }
        let scene = MetricScene(try await service.client().send("GET", "/metrics").text)
        #expect(await service.stop() == 0)
        return scene
    }

    /// Whoever wants to know whether the text is right: `ExpositionTests` reads it strictly.
    private init(_ text: String) {
        self.text = text
        for line in text.split(separator: "\n") {
            if let family = line.wholeMatch(of: /# TYPE (\S+) (\S+)/) { kinds[String(family.1)] = String(family.2) }
            guard let sample = line.wholeMatch(of: /([a-z_]+)(?:\{(.*)\})? \S+/) else { continue }
            let labels = (sample.2 ?? "").matches(of: /([a-z_]+)="([^"]*)"/).map { (String($0.1), String($0.2)) }
            samples[String(sample.1), default: []].append(Dictionary(labels) { $1 })
        }
    }

    /// What Prometheus says of whom it asked.
    private static let labelsOfPrometheus: Set<String> = ["instance", "job"]

    /// What is wrong with an expression that asks this service; nothing when it asks for what there is.
    func faults(of text: String) -> [String] {
        do {
            let expression = try MetricExpression(text)
            let told = expression.selectors.flatMap { samples[$0.name] ?? [] }.flatMap(\.keys)
            let known = Self.labelsOfPrometheus.union(told)
            let strange = expression.groupings.filter { !known.contains($0) }
            return expression.selectors.flatMap(faults) + strange.map { "nothing has the label \($0)" }
        } catch {
            return ["\(error)"]
        }
    }

    private func faults(of selector: MetricExpression.Selector) -> [String] {
        guard let found = samples[selector.name] else { return ["\(selector.name) does not exist"] }
        var faults: [String] = []
        let family = selector.name.replacing(/_(bucket|sum|count)$/, with: "")
        let isCounting = kinds[selector.name] == "counter" || kinds[family] == "histogram"
        if ["rate", "increase"].contains(selector.function), !isCounting {
            faults.append("\(selector.name) is no counter")
        }
        for matcher in selector.matchers where !Self.labelsOfPrometheus.contains(matcher.label) {
            let values = Set(found.compactMap { $0[matcher.label] })
            for wanted in matcher.operation.hasSuffix("~") ? matcher.value.split(separator: "|") : [matcher.value[...]]
            {
                let isThere = values.contains { value in
                    (try? Regex(String(wanted)).wholeMatch(in: value)) != nil
                }
                if !isThere { faults.append("\(selector.name) has no \(matcher.label) \(wanted)") }
            }
        }
        return faults
    }
}
