import EventQueue
import Foundation
import Testing

@Suite(.serialized)
struct JSONPropertyTests {
    @Test(arguments: 1...8)
    func `generated documents are accepted and read as Foundation reads them`(seed: UInt64) throws {
        var generator = JSONGenerator(seed: seed)
        for _ in 0..<150 {
            let document = generator.object(depth: 4)
            let json = try JSONText(Array(document.utf8))
            let oracle = try #require(
                JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any], "\(document)")
            #expect(Set(json.members.map { json.name(of: $0) }) == Set(oracle.keys))
            for member in json.members {
                let value = oracle[json.name(of: member)]
                #expect(json.string(member.value) == value as? String, "\(document)")
                let inner = (value as? [String: Any]).map { Set($0.keys) } ?? []
                #expect(Set(json.members(of: member.value).map { json.name(of: $0) }) == inner)
            }
        }
    }

    @Test(arguments: 1...8)
    func `a mutated document that is accepted is accepted by Foundation too`(seed: UInt64) throws {
        var generator = JSONGenerator(seed: seed &+ 1000)
        var accepted = 0
        for _ in 0..<600 {
            var bytes = Array(generator.object(depth: 3).utf8)
            generator.mutate(&bytes)
            // Foundation refuses surrogates that stand alone, which we let pass.
            guard refusal(of: bytes) == nil, !text(bytes).contains("\\u") else { continue }
            accepted += 1
            #expect(throws: Never.self, "\(text(bytes))") {
                try JSONSerialization.jsonObject(with: Data(bytes))
            }
        }
        #expect(accepted > 0)
    }
}

/// Makes random documents, and breaks them.
struct JSONGenerator {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(state: seed) }

    mutating func object(depth: Int) -> String {
        let members = (0..<Int.random(in: 0...20, using: &random)).map {
            "\(name($0)):\(value(depth: depth))"
        }
        return "{\(members.joined(separator: pick([",", " , ", ",\n"])))}"
    }

    mutating func mutate(_ bytes: inout [UInt8]) {
        let alphabet = Array("{}[]\",:0123456789.eE+-\\utfn x\n\u{0}é".utf8) + [0x80, 0xC0, 0xED, 0xF5, 0xFF]
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let byte = alphabet.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = byte
        case 1: bytes.insert(byte, at: place)
        case 2: bytes.remove(at: place)
        default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
        }
    }

    /// The number keeps the names of an object apart.
    private mutating func name(_ number: Int) -> String {
        "\"" + pick(["", "a", "é", "\\u0061", "😀", "\\n", "\\ud83d\\ude00"]) + "_\(number)\""
    }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: pick(["true", "false", "null"])
        case 1: "\(Int.random(in: -1000...1000, using: &random))"
        case 2: pick(["0.5", "-1.25e+2", "1E-3", "1.0", "0e0", "123456789"])
        case 3, 4:
            "\"" + pick(["", "text", "é😀", "\\\"\\\\\\/", "\\t\\u00e9", "\\ud83d\\ude00", "\u{7F}"]) + "\""
        case 5: pick(["[]", "{}", "[ ]", "{ }"])
        case 6: "[\((0..<3).map { _ in value(depth: depth - 1) }.joined(separator: ","))]"
        default: object(depth: depth - 2)
        }
    }

    private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
}
