import EventQueue
import Testing

/// Headers as a test writes them.
struct TestHeaders: HeaderLookup {
    let fields: [(name: String, value: String)]

    init(_ fields: (String, String)...) { self.init(list: fields) }

    init(list fields: [(String, String)]) { self.fields = fields.map { (name: $0.0, value: $0.1) } }

    var names: [String] { fields.map(\.name) }

    func values(of name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name }.map(\.value)
    }
}

/// The time at which every request of these tests arrives.
let received = Timestamp(milliseconds: 1_736_937_000_000)
let receivedText = "2025-01-15T10:30:00.000Z"

func request(_ body: String, _ headers: TestHeaders = TestHeaders()) -> Request {
    Request(body: Array(body.utf8), headers: headers, receivedAt: received)
}

func source(_ id: String = "claude-code", _ kind: Source.Kind) throws -> Source {
    Source(id: try #require(Source.ID(id)), kind: kind, verifier: Verifier(scheme: .none, secrets: []))
}

/// Takes a body through verification and normalisation, as the receiver does.
func normalised(_ body: String, _ kind: Source.Kind = .claudeCode(.sessionExited)) throws -> NewEvent {
    let source = try source(kind == .claudeCode(.sessionExited) ? "claude-code" : "other", kind)
    let id = try #require(Event.ID("evt_a1b2c3d4e5f67890"))
    return try source.normalise(source.verifier.verify(request(body)), id: id)
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

/// SplitMix64: the same seed makes the same test.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
