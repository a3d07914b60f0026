import EventQueue
import Testing

/// The seed's request, of which the design shows the envelope.
let exited =
    #"""
    {"session_id":"sess-abc123","working_directory":"/home/user/my-project","duration_seconds":120,\#
    "exit_status":0,"summary":"Implemented auth module and added tests"}
    """#

private let provenance =
    #"""
    "provenance":{"platform":"claude-code","platform_event":"session.exited","author":"claude-code",\#
    "author_type":"bot","session_id":"sess-abc123","working_directory":"/home/user/my-project"}
    """#

struct NormaliseTests {
    @Test func `the seed's example becomes the design's envelope, byte for byte`() throws {
        let event = try normalised(exited)
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_a1b2c3d4e5f67890","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code",\#
                "type":"actor.stopped",\#(provenance),"payload":\#(exited)}
                """#)
        #expect(event.kind == .actorStopped)
        #expect(event.platformEvent == "session.exited")
        #expect(!event.isHook)
        #expect(event.source == Source.ID("claude-code"))
        #expect(event.bodyFingerprint == Fingerprint(of: Array(exited.utf8)))
        #expect(event.envelopeFingerprint == Fingerprint(of: event.envelope))
    }

    @Test func `values are copied as they were sent, whatever their order and spelling`() throws {
        let event = try normalised(
            """
            { "meta" : { "b":1.0e+2, "a" : [ ] }, "exit_status":1.0, "hook_type":"stop\\u0021",
              "duration_seconds" : 1.20E+2 , "cwd":"\\/tmp\\/\\ud83d", "unknown":true,
              "transcript_path":null, "session_id":"\\u0061" }
            """)
        #expect(
            text(event.envelope).hasSuffix(
                #"""
                "payload":{"session_id":"\u0061","working_directory":"\/tmp\/\ud83d","duration_seconds":1.20E+2,\#
                "exit_status":1.0,"summary":"","transcript_path":null,"hook_type":"stop\u0021",\#
                "meta":{ "b":1.0e+2, "a" : [ ] }}}
                """#))
    }

    @Test func `working_directory wins over cwd, and a summary that is null is copied as null`() throws {
        let event = try normalised(
            #"{"session_id":"s","cwd":"/b","working_directory":"/a","duration_seconds":0,"exit_status":0,"summary":null}"#
        )
        #expect(text(event.envelope).contains(#""working_directory":"/a""#))
        #expect(!text(event.envelope).contains("/b"))
        #expect(text(event.envelope).hasSuffix(#""summary":null}}"#))
    }

    @Test(arguments: [
        ("2024-12-31T23:59:59.5+02:00", true), ("2024-12-31T23:59:59Z", true), ("yesterday", false),
        ("", false),
    ])
    func `the sender's timestamp becomes the event's when it is one`(timestamp: String, isTaken: Bool) throws {
        let event = try normalised(exited.dropLast() + #","timestamp":"\#(timestamp)"}"#)
        #expect(
            text(event.envelope).contains(#""timestamp":"\#(isTaken ? timestamp : receivedText)","source""#))
    }

    @Test(arguments: [Source.SessionFormat.sessionExited, .lifecycle])
    func `a required field that is missing or of the wrong type is named`(format: Source.SessionFormat) throws {
        let right = [
            ("session_id", #""s""#), ("working_directory", #""/w""#), ("duration_seconds", "1.5"),
            ("exit_status", "0"),
        ]
        let wrong = [
            "session_id": ["", "null", "1", #""""#, "{}"], "working_directory": ["", "null", "1", "[]"],
            "duration_seconds": ["", "null", #""1""#, "true"],
            "exit_status": ["", "null", #""0""#, "1.5", "1e300"],
        ]
        for (name, _) in right {
            for value in wrong[name] ?? [] {
                let members = right.map { $0.0 == name ? ($0.0, value) : $0 }.filter { $0.1 != "" }
                let body = "{\(members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}"
                let rejection = #expect(throws: Rejection.self) { try normalised(body, .claudeCode(format)) }
                guard case .missingField(name, let detail) = rejection else {
                    Issue.record("\(body): \(String(describing: rejection))")
                    continue
                }
                #expect(detail.hasPrefix(name) && detail.contains("must be"))
            }
        }
    }

    @Test func `of several missing fields the first is named`() {
        let rejection = #expect(throws: Rejection.self) { try normalised(#"{"exit_status":0}"#) }
        guard case .missingField("session_id", _) = rejection else {
            Issue.record("\(String(describing: rejection))")
            return
        }
    }

    @Test(arguments: [
        Source.Kind.claudeCode(.sessionExited), .claudeCode(.lifecycle), .webhook(eventTypeField: ["type"]),
    ])
    func `a body that is not a JSON object is no event`(kind: Source.Kind) {
        for body in ["", "[]", "1", "null", #""{}""#, "{", "session_id=1", "\u{FEFF}{}", #"{"a":1,"a":2}"#] {
            let rejection = #expect(throws: Rejection.self) { try normalised(body, kind) }
            guard case .invalidJSON(let detail) = rejection else {
                Issue.record("\(body): \(String(describing: rejection))")
                continue
            }
            #expect(!detail.isEmpty)
        }
    }

    @Test func `the same request makes the same envelope`() throws {
        #expect(try normalised(exited).envelope == normalised(exited).envelope)
    }
}
