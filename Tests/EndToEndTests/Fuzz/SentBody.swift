import EventQueue

/// A body that is posted, and what must become of it.
struct SentBody: Sendable, CustomStringConvertible {
    /// How it is sent; each is a source of its own, named by the raw value.
    enum Kind: String, CaseIterable, Sendable {
        case webhook, github, linear, finished, structured, binary

        var connector: String {
            switch self {
            case .webhook: "@orgloop/connector-webhook"
            case .github: "@orgloop/connector-github-webhook"
            case .linear: "@orgloop/connector-linear-webhook"
            case .finished: "orgloop-event"
            case .structured, .binary: "cloudevents"
            }
        }
    }

    /// What the independent reading of the body says.
    enum Verdict: Sendable {
        case accepted, refused
        /// It is JSON, and a mutation may have broken what the kind requires.
        case either
    }

    let kind: Kind
    let number: Int
    let bytes: [UInt8]
    /// Where the payload is in the body, and so in the envelope; `nil` where a mutation may have moved it.
    let payload: [UInt8]?
    let verdict: Verdict

    var headers: [(name: String, value: String)] {
        switch kind {
        case .github: [("X-GitHub-Event", "push")]
        case .structured: [("Content-Type", "application/cloudevents+json")]
        case .binary:
            [("ce-specversion", "1.0"), ("ce-id", "\(number)"), ("ce-source", "/fuzz"), ("ce-type", "t")]
        case .webhook, .linear, .finished: []
        }
    }

    var description: String {
        let digits = bytes.prefix(2000).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "body \(number) of \(kind): \(bytes.count) bytes, hexadecimal \(digits)"
    }

    /// Makes the body of that number.
    init(_ number: Int, by mutator: Mutator, _ generator: BodyGenerator) {
        let random = generator.random
        let isPlain = random.happens(onceIn: 2)
        let kind = isPlain ? .webhook : Kind.allCases[random.number(in: 0...Kind.allCases.count - 1)]
        let (whole, payload) = Self.whole(kind, number, generator)
        let isMutated = random.happens(onceIn: 2)
        let bytes = isMutated ? mutator.mutated(whole) : whole
        (self.kind, self.number, self.bytes) = (kind, number, bytes)
        let reference = try? ReferenceJSON(bytes)
        let isStrict = reference.map { $0.depth <= Limits.jsonDepthMax && !$0.hasDuplicateName } ?? false
        let isObject = reference?.isObject ?? false
        switch kind {
        case .webhook, .github:
            verdict = isStrict && isObject ? .accepted : .refused
            self.payload = Self.trimmed(bytes)
        case .binary:
            // An event without data has no body.
            verdict = isStrict || bytes.isEmpty ? .accepted : .refused
            let data = Array(#"{"data":"#.utf8) + Self.trimmed(bytes) + [0x7D]
            self.payload = isObject ? Self.trimmed(bytes) : bytes.isEmpty ? Array("{}".utf8) : data
        case .linear:
            verdict = isStrict && isObject ? (isMutated ? .either : .accepted) : .refused
            self.payload = Self.trimmed(bytes)
        case .finished, .structured:
            verdict = isStrict && isObject ? (isMutated ? .either : .accepted) : .refused
            self.payload = isMutated ? nil : payload
        }
    }

    /// A body that is right unless it is nested too deeply or has a name twice, and its payload.
    private static func whole(
        _ kind: Kind, _ number: Int, _ generator: BodyGenerator
    ) -> (bytes: [UInt8], payload: [UInt8]) {
        let random = generator.random
        func object(_ members: [String] = []) -> String {
            members.isEmpty && random.happens(onceIn: 12)
                ? generator.nested(random.number(in: 58...67)) : generator.object(members: members)
        }
        switch kind {
        case .webhook where random.happens(onceIn: 20), .binary where random.happens(onceIn: 2):
            return (Array(generator.value(depth: 3).utf8), [])
        case .webhook, .github, .binary:
            return (Array((generator.space() + object() + generator.space()).utf8), [])
        case .linear:
            return (Array(object([#""type":"Issue""#, #""action":"create""#]).utf8), [])
        case .finished:
            let payload = object()
            let provenance = generator.object(depth: 2, members: [#""platform":"fuzz""#])
            return (
                Array(#"{"type":"message.received","provenance":\#(provenance),"payload": \#(payload) }"#.utf8),
                Array(payload.utf8)
            )
        case .structured:
            let isObject = random.happens(onceIn: 2)
            let data = isObject ? object() : generator.string()
            let members = #""specversion":"1.0","id":"\#(number)","source":"/s","type":\#(generator.word())"#
            return (
                Array("{\(members),\"data\":\(data)}".utf8), Array((isObject ? data : "{\"data\":\(data)}").utf8)
            )
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let spaces = Set(" \t\r\n".utf8)
        let start = bytes.drop { spaces.contains($0) }
        return start.lastIndex { !spaces.contains($0) }.map { Array(start[...$0]) } ?? []
    }
}
