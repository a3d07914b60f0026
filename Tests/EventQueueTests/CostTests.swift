import EventQueue
import Foundation
import Testing

/// No body costs more than its length: what an attacker can make of one is measured against itself.
///
/// Eight times the bytes may cost sixteen times the work. What is linear costs eight times, what sorts or hashes
/// a little more, and what is quadratic sixty-four; between them is room for a cache that the larger text does
/// not fit in. It is the CPU time of this thread that counts, and the least of several tries: other work on the
/// machine only ever adds.
@Suite(.serialized)
struct CostTests {
    @Test(arguments: CostlyShape.allCases)
    func `the validator's work grows as the text does`(shape: CostlyShape) throws {
        let texts = Self.sizes(from: 4 << 10).map { Array(shape.document(bytes: $0).utf8) }
        for text in texts { #expect((refusal(of: text) == nil) == shape.isJSON, "\(shape)") }
        let costs = Costs(of: texts) { _ = refusal(of: $0) }
        #expect(costs.areInProportion, "\(shape): \(costs)")
    }

    @Test(arguments: CostlyKind.allCases)
    func `the work of making an event grows as its body does`(kind: CostlyKind) throws {
        let source = try kind.source()
        for shape in CostlyShape.allCases {
            for template in kind.templates {
                let texts = Self.sizes(from: 1 << 10).map { Array(shape.body(bytes: $0, in: template).utf8) }
                let costs = try Costs(of: texts) { text in
                    let request = Request(body: text, headers: kind.headers, receivedAt: received)
                    let id = try #require(Event.ID("evt_a1b2c3d4e5f67890"))
                    _ = try? source.normaliseAll(source.verifier.verify(request)) { id }
                }
                #expect(costs.areInProportion, "\(kind), \(shape) in \(template): \(costs)")
            }
        }
    }

    private static func sizes(from bytes: Int) -> [Int] { [1, 2, 4, 8].map { bytes * $0 } }
}

/// What the same work costs on texts that double their lengths.
struct Costs: CustomStringConvertible {
    /// Nanoseconds, the least of all tries.
    private var least: [UInt64]

    /// Double of what is in proportion; see ``CostTests``.
    private static let ratioMax: UInt64 = 16
    /// A try is repeated only while the bound is broken, so that many cost nothing; others use the machine's caches
    /// for seconds, and what is quadratic breaks the bound each time.
    private static let triesMax = 100
    /// Where every input is tried as often as the others.
    private static let rounds = 6

    init(of texts: [[UInt8]], _ work: ([UInt8]) throws -> Void) rethrows {
        least = texts.map { _ in .max }
        // The first one pays for what is made once.
        try work(texts[0])
        var tries = 0
        repeat {
            for (index, text) in texts.enumerated() {
                // The small ones are repeated: a clock's tick weighs more in them.
                for _ in 0..<(index < 2 ? 3 : 1) {
                    let start = Self.now
                    try work(text)
                    least[index] = min(least[index], Self.now - start)
                }
            }
            tries += 1
        } while !areInProportion && tries < Self.triesMax
    }

    /// What the same work costs on each of `inputs`, in nanoseconds: the least of several rounds over all of them.
    ///
    /// - Parameter isAsItShould: Where it is not, there are more rounds, up to ``triesMax``: what other programs add goes
    ///   away with them, a difference in the work stays.
    static func least<Input>(
        of inputs: [Input], until isAsItShould: ([UInt64]) -> Bool = { _ in true }, _ work: (Input) -> Void
    ) -> [UInt64] {
        var least = inputs.map { _ in UInt64.max }
        for round in 0..<triesMax where round < rounds || !isAsItShould(least) {
            for (index, input) in inputs.enumerated() {
                let start = now
                work(input)
                least[index] = min(least[index], now - start)
            }
        }
        return least
    }

    var areInProportion: Bool { least[least.count - 1] < least[0] * Self.ratioMax }

    var description: String {
        let ratios = zip(least, least.dropFirst()).map { String(format: "%.2f", Double($1) / Double($0)) }
        return "\(least.map { $0 / 1000 }) µs, each \(ratios.joined(separator: ", ")) times the one before"
    }

    /// The CPU time of this thread.
    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// What reads a body after the validator.
enum CostlyKind: CaseIterable {
    case webhook, sessionExited, lifecycle, github, linear, finished, structured, batched, binary

    func source() throws -> Source {
        let kind: Source.Kind =
            switch self {
            case .webhook: .webhook(eventTypeField: ["a", "b", "c"])
            case .sessionExited: .claudeCode(.sessionExited)
            case .lifecycle: .session(Source.Agent(format: .lifecycle, required: .sessionOnly))
            case .github: .github
            case .linear: .linear
            case .finished: .orgLoopEvent
            case .structured, .batched, .binary: .cloudEvents
            }
        return try EventQueueTests.source("costly", kind)
    }

    var headers: TestHeaders {
        switch self {
        case .github: TestHeaders(("X-GitHub-Event", "pull_request"))
        case .structured: TestHeaders(("Content-Type", "application/cloudevents+json"))
        case .batched: TestHeaders(("Content-Type", "application/cloudevents-batch+json"))
        case .binary:
            TestHeaders(("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"))
        case .webhook, .sessionExited, .lifecycle, .linear, .finished: TestHeaders()
        }
    }

    /// Bodies with the costly text where this kind looks: `%` stands for members, `$` for a value.
    var templates: [String] {
        switch self {
        case .webhook: ["{%}", #"{"a":{"b":{"c":$}}}"#]
        case .sessionExited: [#"{%,"session_id":"s","cwd":"/","duration_seconds":1,"exit_status":0,"summary":$}"#]
        case .lifecycle: [#"{"session_id":"s","meta":$,%}"#, #"{"hook_event_name":"Stop","last_assistant_message":$}"#]
        case .github: [#"{%,"action":$}"#, #"{"action":"closed","pull_request":{%},"sender":$}"#]
        case .linear: [#"{%,"type":"Issue","action":"update"}"#, #"{"type":$,"action":"x","data":{%},"actor":$}"#]
        case .finished: [#"{%,"type":"resource.changed","provenance":{%,"platform":"p"},"payload":$}"#]
        case .structured: [#"{%,"specversion":"1.0","id":$,"source":"/s","type":"t","data":$}"#]
        case .batched: [#"[{"specversion":"1.0","id":"1","source":"/s","type":"t","data":$}]"#]
        case .binary: ["$"]
        }
    }
}
