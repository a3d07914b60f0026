import EventQueue
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// Files of a few hundred bytes that other readers of YAML need all time and memory for.
@Suite(.timeLimit(.minutes(2)), .aFewAtATime) struct YAMLBombTests {
    private static let laughs =
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + (1...11).map { "a\($0): &a\($0) [\(Array(repeating: "*a\($0 - 1)", count: 9).joined(separator: ","))]\n" }
        .joined()
    private static let tower =
        "a0: &a0 \(String(repeating: "[", count: 90))\(String(repeating: "]", count: 90))\n"
        + (1...999).map { "a\($0): &a\($0) [*a\($0 - 1)]\n" }.joined()

    private static let bombs = [
        (laughs + "? *a11\n: 1\n", "the aliases stand for too much"),
        (laughs + "sources: *a11\n", "the aliases stand for too much"),
        ("a: &a [x]\n*a : 1\n", "a list or a mapping is a key"),
        ("a: &a {x: y}\nb: {*a, *a}\n", "a list or a mapping is a key"),
        ("? [a]\n: 1\n", "a list or a mapping is a key"),
        (String(repeating: "{", count: 90) + "x" + String(repeating: "}", count: 90), "a list or a mapping is a key"),
        (String(repeating: "? ", count: 900) + "x", "a list or a mapping is a key"),
        ("a: " + String(repeating: "[", count: 101) + String(repeating: "]", count: 101), "is nested too deeply"),
        (tower, "is nested too deeply"),
        ("a: &a [*a]\n", "found undefined alias"),
        ("sources:\n\t- id: a\n", "found character that cannot start any token"),
    ]

    @Test(arguments: bombs)
    func `a small file that stands for a large one is refused at once`(text: String, problem: String) async throws {
        for head in ["", "kind: Project\n"] {
            let scratch = try Scratch()
            try scratch.write(
                head.isEmpty || text.hasPrefix("{") || text.hasPrefix("?") ? text : head + text, to: "q.yaml")
            // Seconds of CPU time and kilobytes: what is out of bounds is killed, and then the exit code is another.
            let line = "ulimit -t 10; ulimit -v 8000000; exec orgloop-queue config check q.yaml"
            let run = try await Binary.shell(line, in: scratch)
            #expect(run.status == 1)
            #expect((run.output + run.error).contains(problem), "\(run.output.prefix(500)) \(run.error.prefix(500))")
        }
    }

    @Test func `aliases that stand for little are read as what they stand for`() throws {
        let text = """
            sources:
              - { id: a, connector: &c "@orgloop/connector-webhook", config: &k { event_type_field: type } }
              - { id: b, connector: *c, config: *k }
            consumers: [{ id: &n one, on_regressed: refuse }]
            """
        let read = FileConfiguration.parse(text, file: "q.yaml", environment: [:])
        #expect(read.problems.isEmpty, "\(read.problems)")
        #expect(
            read.configuration.sources?.map(\.kind) == Array(repeating: .webhook(eventTypeField: ["type"]), count: 2))
    }
}
