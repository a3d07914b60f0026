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
