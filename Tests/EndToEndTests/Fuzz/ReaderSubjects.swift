import EventQueue
import Foundation

@testable import OrgLoopQueueCommand

/// Lines of files that events are imported from.
struct ImportSubject: FuzzSubject {
    static let corpus = "import"
    static let words = [
        "\n", "orgloop_queue", #""id":"#, #""trace_id":"t","#, "evt_", "null", #""body":"#, "=", "\u{FEFF}",
    ]

    init(random: SeededRandom) {}

    func check(_ input: [UInt8]) throws {
        let lines = ImportedLines(input, receivedAt: Timestamp(milliseconds: 0))
        try demand(lines.events.count + lines.rejected.count == lines.count, "a line is neither event nor reason")
        for event in lines.events {
            guard let envelope = event.content?.envelope else { continue }
            try demand(
                ReferenceJSON.accepts(envelope, depthMax: Limits.envelopeDepthMax), "an envelope that is not JSON")
        }
    }
}

/// Files of the hook's spool.
struct SpoolSubject: FuzzSubject {
    static let corpus = "spool"
    static let words = [#""url":null,"#, #""headers":[],"#, #"{"name":"a","value":"b"}"#, "T00:00:00Z", "9999", "=="]

    init(random: SeededRandom) {}

    func check(_ input: [UInt8]) throws {
        guard let request = try? SpooledRequest(file: input) else { return }
        try demand(try SpooledRequest(file: request.file()) == request, "another request when written again")
    }
}

/// Configuration files.
struct ConfigurationSubject: FuzzSubject {
    static let corpus = "configuration"
    static let words = [
        "sources:", "- id: a\n", "config: ", "secret: s", "${HOME}", "${", "limits: {", "\n  ", ": ", "&a ", "*a",
        "!!null ",
        "scheme: none", "'", "|\n", "? ", "<<: ",
    ]

    init(random: SeededRandom) {}

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
