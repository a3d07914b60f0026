import EventQueueHTTP
import Foundation

/// A text in Prometheus' exposition format 0.0.4, read as strictly as the format is written down
/// (https://prometheus.io/docs/instrumenting/exposition_formats/): what breaks a rule is thrown out with its line.
struct Exposition {
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family {
        let name: String
        let kind: String
        let help: String
        var samples: [Sample] = []
    }

    private(set) var families: [Family] = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Broken(description: "the last line does not end") }
        var lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)[...]
        while let line = lines.popFirst() {
            guard line.hasPrefix("#") else {
                try add(Self.sample(line))
                continue
            }
            try open(line, lines.popFirst() ?? "")
        }
        for family in families { try Self.check(family) }
    }

    /// The value of the sample with exactly these labels; `nil` when there is none.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.flatMap(\.samples).first { $0.name == "orgloop_queue_" + name && $0.labels == labels }?.value
    }

    private mutating func open(_ help: Substring, _ kind: Substring) throws {
        guard let first = help.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/),
            let second = kind.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/),
            first.1 == second.1
        else { throw Broken(description: "no HELP and TYPE of one family: \(help) / \(kind)") }
        let name = String(first.1)
        guard !families.contains(where: { $0.name == name }) else {
            throw Broken(description: "\(name) is declared twice")
        }
        guard first.2.wholeMatch(of: /(?:[^\\]|\\\\|\\n)*/) != nil else {
            throw Broken(description: "an escape that help texts do not have: \(help)")
        }
        families.append(Family(name: name, kind: String(second.2), help: String(first.2)))
    }

    /// A sample belongs to the family that was declared last.
    private mutating func add(_ sample: Sample) throws {
        guard let family = families.last else { throw Broken(description: "\(sample.name) before any family") }
        let suffixes = family.kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard suffixes.contains(where: { family.name + $0 == sample.name }) else {
            throw Broken(description: "\(sample.name) stands below \(family.name)")
        }
        guard !family.samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) else {
            throw Broken(description: "\(sample.name) \(sample.labels) comes twice")
        }
        families[families.count - 1].samples.append(sample)
    }

    private static func sample(_ line: Substring) throws -> Sample {
        let value = /[-+]?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|Inf)|NaN/
        guard let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/),
            match.3.wholeMatch(of: value) != nil, let number = Double(match.3.replacing("Inf", with: "inf"))
        else { throw Broken(description: "no sample: \(line)") }
        return Sample(name: String(match.1), labels: try labels(match.2 ?? ""), value: number)
    }

    private static func labels(_ text: Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while !rest.isEmpty {
            let label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,(?=.)|$)/
            guard let match = rest.prefixMatch(of: label), labels[String(match.1)] == nil else {
                throw Broken(description: "no labels: {\(text)}")
            }
            labels[String(match.1)] = unescaped(match.2)
            rest = rest[match.range.upperBound...]
        }
        return labels
    }

    private static func unescaped(_ text: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                result.append(character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    private static func check(_ family: Family) throws {
        switch family.kind {
        case "counter":
            guard family.name.hasSuffix("_total"), family.samples.allSatisfy({ $0.value >= 0 }) else {
                throw Broken(description: "\(family.name) is no counter")
            }
        case "histogram": try checkBuckets(of: family)
        default:
            guard !family.name.hasSuffix("_total") else { throw Broken(description: "\(family.name) is no gauge") }
        }
    }

    /// Buckets ascend and are cumulative, the last is infinite, and there are as many values as it says.
    private static func checkBuckets(of family: Family) throws {
        let sets = Set(family.samples.map { $0.labels.filter { $0.key != "le" } })
        for labels in sets {
            let own = family.samples.filter { $0.labels.filter { $0.key != "le" } == labels }
            let buckets = own.filter { $0.name.hasSuffix("_bucket") }
            let bounds = buckets.compactMap { Double($0.labels["le", default: ""].replacing("Inf", with: "inf")) }
            let counts = own.filter { $0.name.hasSuffix("_count") }.map(\.value)
            guard bounds.count == buckets.count, bounds == Array(Set(bounds)).sorted(), bounds.last == .infinity,
                buckets.map(\.value) == buckets.map(\.value).sorted(), counts == [buckets.last?.value],
                own.count(where: { $0.name.hasSuffix("_sum") }) == 1
            else { throw Broken(description: "\(family.name) \(labels) is no histogram") }
        }
    }
}

extension TestService {
    /// What `/metrics` tells now.
    func metrics() async throws -> Exposition {
        try Exposition(try await stranger.send("GET", "/metrics").text)
    }
}
