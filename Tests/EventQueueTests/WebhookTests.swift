import EventQueue
import Testing

struct WebhookTests {
    private func webhook(_ body: String, field: [String] = ["type"]) throws -> NewEvent {
        try normalised(body, .webhook(eventTypeField: field))
    }

    @Test func `the body is the payload, byte for byte`() throws {
        let body =
            #"{ "z":1.0e+2,"a" :-0, "big":123456789012345678901234567890.10,"s":"\u0041\/é\ud83d", "type":"de\u0070loy","#
            + " \"l\" : [ ],\n\t\"o\":{} }"
        let event = try webhook(" \n" + body + "\r\n")
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_a1b2c3d4e5f67890","timestamp":"2025-01-15T10:30:00.000Z","source":"other",\#
                "type":"resource.changed","provenance":{"platform":"webhook","platform_event":"de\u0070loy"},\#
                "payload":\#(body)}
                """#)
        #expect(event.platformEvent == "deploy")
        #expect(event.kind == .resourceChanged)
        #expect(!event.isHook)
    }

    @Test(
        arguments: [
            (#"{"type":"a"}"#, ["type"], "a"), (#"{"event":{"name":"b"}}"#, ["event", "name"], "b"),
            (#"{"type":1}"#, ["type"], "unknown"), (#"{"type":null}"#, ["type"], "unknown"),
            (#"{}"#, ["type"], "unknown"), (#"{"type":"a"}"#, [], "unknown"),
            (#"{"event":"x"}"#, ["event", "name"], "unknown"),
            (#"{"type":""}"#, ["type"], ""),
        ] as [(String, [String], String)])
    func `the platform event is the string at the configured path`(
        body: String, field: [String], name: String
    ) throws {
        let event = try webhook(body, field: field)
        #expect(event.platformEvent == name)
        #expect(text(event.envelope).contains(#""platform_event":"\#(name)"}"#))
    }

    @Test func `a Claude Code body is nothing special to a generic webhook`() throws {
        let event = try webhook(#"{"hook_event_name":"Stop"}"#)
        #expect(!event.isHook)
        #expect(event.platformEvent == "unknown")
    }
}

struct ReplayEnvelopeTests {
    private let id = Replay.ID("rpl_1")

    private func replayed(_ stored: String, reason: String = "lost") throws -> String {
        text(envelope(Array(stored.utf8), withReplay: try #require(id), emission: 2, reason: reason))
    }

    @Test func `a replayed envelope is the stored one with its replay last in the provenance`() throws {
        let stored = text(try normalised(exited).envelope)
        let expected = stored.replacing(
            #"my-project"},"payload""#,
            with: #"my-project","replay":{"id":"rpl_1","emission":2,"reason":"lost"}},"payload""#)
        #expect(try replayed(stored) == expected)
        #expect(try replayed(stored) == replayed(stored))
    }

    @Test func `only the outermost provenance is changed`() throws {
        #expect(
            try replayed(#"{"payload":{"provenance":{"a":1}}, "provenance" : { } }"#)
                == #"{"payload":{"provenance":{"a":1}}, "provenance" : { "replay":{"id":"rpl_1","emission":2,"reason":"lost"}} }"#
        )
    }

    @Test func `the reason is escaped and the result is valid`() throws {
        let json = try JSONText(
            Array(try replayed(text(normalised(exited).envelope), reason: "\"}\n\\").utf8))
        #expect(json.value(at: ["provenance", "replay", "reason"]).flatMap(json.string) == "\"}\n\\")
    }

    @Test func `an imported envelope that names an earlier replay names the new one instead`() throws {
        #expect(
            try replayed(#"{"provenance":{"replay":{"id":"rpl_0"},"platform":"x"}}"#)
                == #"{"provenance":{"replay":{"id":"rpl_1","emission":2,"reason":"lost"},"platform":"x"}}"#)
    }

    @Test(arguments: [#"{"provenance":1}"#, #"{"id":"evt_1"}"#, "not json"])
    func `an envelope without a provenance stays as it is`(stored: String) throws {
        #expect(try replayed(stored) == stored)
    }
}
