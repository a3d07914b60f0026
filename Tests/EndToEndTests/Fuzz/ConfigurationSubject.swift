import Foundation

@testable import OrgLoopQueueCommand

/// Configuration files, of our own grammar and of OrgLoop's.
struct ConfigurationSubject: FuzzSubject {
    static let corpus = "configuration"
    static let words = [
        "sources:", "- id: a\n", "config: ", "secret: s", "${HOME}", "${", "limits: {", "\n  ", ": ", "&a ", "*a",
        "!!null ", "scheme: none", "'", "|\n", ">-\n", "? ", "<<: ", "<<: *a", "[*a]: ", "{*a, *a}", "\t", "---\n",
        "...\n", "!!str ", "!<tag:x> ", "%YAML 1.2\n", "\u{FEFF}", "\"\\uD800\"", "\"\\x00\"", "# ", "kind: Project\n",
        "kind: ConnectorGroup\n", "[", "]", "{", "}", "0x1F", "1_000", ".inf", "30d", "~",
    ]

    init(random: SeededRandom) {}

    /// Aliases of aliases: a tree that no memory holds if somebody walks it.
    func generate(_ random: SeededRandom) -> [UInt8]? {
        guard random.happens(onceIn: 4) else { return nil }
        let (levels, width) = (random.number(in: 1...20), random.number(in: 1...10))
        let isList = random.happens(onceIn: 2)
        let lines = (0...levels).map { level in
            let name = level == 0 ? "x" : "*a\(level - 1)"
            let parts = (0..<width).map { isList ? name : "k\($0): \(name)" }.joined(separator: ", ")
            return "a\(level): &a\(level) " + (isList ? "[\(parts)]" : "{\(parts)}") + "\n"
        }
        let uses = ["sources: *a\n", "? *a\n: 1\n", "*a : 1\n", "hosts: [*a, *a]\n", "limits: {*a, *a}\n", "? [*a]\n"]
        let use = uses[random.number(in: 0...uses.count - 1)].replacing("*a", with: "*a\(levels)")
        return Array((random.happens(onceIn: 3) ? "kind: Project\n" : "").utf8) + Array((lines.joined() + use).utf8)
    }

    func check(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        let read = FileConfiguration.parse(text, file: "q.yaml", environment: ["HOME": "/home/user"])
        for problem in read.problems {
            try demand(!problem.description.isEmpty, "a problem without a text")
        }
        guard read.problems.isEmpty, let sources = read.configuration.sources else { return }
        try demand(Set(sources.map(\.id)).count == sources.count, "two sources of one name, and no problem")
    }
}
