import EventQueue
import Foundation
import Testing

@Suite struct ImportLineTests {
    // MARK: OrgLoop's buffer

    /// A line as OrgLoop 0.1.9 writes it to claude-code-<source>.jsonl.
    static let seed =
        #"{"id":"evt_9f8e7d6c5b4a3210","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code","#
        + #""type":"actor.stopped","provenance":{"platform":"claude-code","platform_event":"session.exited","#
        + #""author":"claude-code","author_type":"bot","session_id":"sess-1","working_directory":"/w"},"#
        + #""payload":{"session_id":"sess-1","duration_seconds":120,"exit_status":0,"summary":"done \u00e9"}}"#

    /// A line as a current version writes it to coding-agent-<source>.jsonl.
    static let current =
        #"{"id":"evt_00c0ffee00c0ffee","timestamp":"2026-02-01T08:00:00.000Z","source":"agents","#
        + #""type":"resource.changed","provenance":{"platform":"codex","platform_event":"session.started"},"#
        + #""payload":{"lifecycle":{"phase":"started","terminal":false,"dedupe_key":"codex:s:started"},"#
        + #""session":{"id":"s","adapter":"codex","harness":"codex"}},"trace_id":"trc_1","extra":[1,2.50]}"#

    @Test func `a buffer line of 0 1 9 is its own envelope and body`() throws {
        let event = try parse("  \(Self.seed)\r")
        let line = Array(Self.seed.utf8)
        #expect(event.id.rawValue == "evt_9f8e7d6c5b4a3210")
        #expect(event.source.rawValue == "claude-code")
        #expect(event.kind == .actorStopped)
        #expect(event.platformEvent == "session.exited")
        #expect(event.receivedAt == received)
        #expect(event.verification == "imported")
        #expect(event.keyID == nil)
        #expect(event.idempotencyKey == nil)
        #expect(event.headersJSON == "{}")
        #expect(event.content?.envelope == line)
        #expect(event.content?.body == line)
        #expect(event.envelopeFingerprint == Fingerprint(of: line))
    }

    @Test func `a current buffer line loses its trace id and nothing else`() throws {
        let event = try parse(Self.current)
        #expect(event.kind == .resourceChanged)
        #expect(event.platformEvent == "session.started")
        #expect(event.content?.body == Array(Self.current.utf8))
        let envelope = Self.current.replacing(#","trace_id":"trc_1""#, with: "")
        #expect(text(event.content?.envelope ?? []) == envelope)
        #expect(event.envelopeFingerprint == Fingerprint(of: Array(envelope.utf8)))
        #expect(event.bodyFingerprint == Fingerprint(of: Array(Self.current.utf8)))
    }

    private static let members =
        #""id":"evt_1","timestamp":"t","source":"s","type":"message.received","provenance":{"platform":"p"}"#

    @Test(arguments: [
        ("{\"trace_id\":\"x\",\(members)}", "{\(members)}"),
        ("{ \"trace_id\" : {\"a\":[1,2]} , \(members)}", "{  \(members)}"),
        ("{\(members),\"trace_id\":\"a,b\",\"z\":1}", "{\(members),\"z\":1}"),
        ("{\(members) ,\t\"trace_id\":null }", "{\(members)  }"),
        ("{\(members),\"trace\\u005fid\":7}", "{\(members)}"),
        ("{\(members),\"payload\":{\"trace_id\":1}}", "{\(members),\"payload\":{\"trace_id\":1}}"),
    ])
    func `a trace id is cut out wherever it stands, byte for byte`(line: String, envelope: String) throws {
        let event = try parse(line)
        #expect(text(event.content?.envelope ?? []) == envelope)
        #expect(text(event.content?.body ?? []) == line)
        #expect(event.platformEvent == "unknown")
    }

    @Test(
        arguments: [
            ("", "not_json"), (String(Self.seed.dropLast(40)), "not_json"), ("{}{}", "not_json"),
            ("\u{FEFF}\(Self.seed)", "not_json"), (#"{"id":"a","id":"b"}"#, "not_json"),
            ("7", "not_an_event"), ("[]", "not_an_event"), ("{}", "not_an_event"),
            (Self.seed.replacing("evt_9", with: "ev_9"), "not_an_event"),
            (Self.seed.replacing("evt_9", with: "evt_-9"), "not_an_event"),
            (Self.seed.replacing(#""source":"claude-code""#, with: #""source":"a/b""#), "not_an_event"),
            (Self.seed.replacing("actor.stopped", with: "actor.slept"), "not_an_event"),
            (Self.seed.replacing(#""2025-01-15T10:30:00.000Z""#, with: "7"), "not_an_event"),
            (Self.seed.replacing(#""platform":"#, with: #""form":"#), "not_an_event"),
            (Self.seed.replacing(#""provenance":{"#, with: #""provenance":0,"x":{"#), "not_an_event"),
        ] as [(String, String)])
    func `a line that is no event is refused by its code and never quoted`(line: String, code: String) {
        let error = refusal(of: line)
        #expect(error?.code == code)
        #expect(error.map { !$0.detail.isEmpty && !$0.detail.contains("sess-1") } == true)
    }

    // MARK: Our export

    @Test func `an export line is what was stored, down to the last byte`() throws {
        let envelope = "{\"id\":\"evt_a1\",\n \"source\":\"deploys\",\"type\":\"resource.changed\"}"
        let line = ExportedLine(envelope: envelope, body: "{\n\"n\": 1.50 }").text
        let event = try parse(line)
        #expect(event.id.rawValue == "evt_a1")
        #expect(event.platformEvent == "push")
        #expect(event.receivedAt.iso8601 == "2025-02-03T04:05:06.789Z")
        #expect(event.verification == "hub")
        #expect(event.keyID == "6460d93a")
        #expect(event.idempotencyKey == "delivery-1")
        #expect(event.headersJSON == #"{"content-type":"application/json","x-signature":["a","b"]}"#)
        #expect(text(event.content?.envelope ?? []) == envelope)
        #expect(text(event.content?.body ?? []) == "{\n\"n\": 1.50 }")
    }

    @Test func `a thinned event has its hashes and no content`() throws {
        let line = ExportedLine().with("envelope", "null")
        let event = try parse(line.with("body", "null").text)
        #expect(event.content == nil)
        #expect(event.envelopeFingerprint == Fingerprint(of: Array(line.envelope.utf8)))
        #expect(refusal(of: line.text)?.code == "not_an_event")
    }

    @Test func `the deepest body that is taken in comes back as well`() throws {
        let body = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        let event = try normalised("{\"a\":\(body)}", .webhook(eventTypeField: ["type"]))
        let line = ExportedLine(
            id: event.id.rawValue, source: event.source.rawValue, envelope: text(event.envelope),
            body: text(event.request.body))
        #expect(try parse(line.text).content?.envelope == event.envelope)
    }

    @Test func `the deepest data of a CloudEvent, which is wrapped in its envelope, comes back as well`() throws {
        let body = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let headers = TestHeaders(("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"))
        let source = try source("cloud", .cloudEvents)
        let id = try #require(Event.ID("evt_a1b2c3d4e5f67890"))
        let event = try source.normalise(source.verifier.verify(request(body, headers)), id: id)
        let line = ExportedLine(
            id: id.rawValue, source: "cloud", envelope: text(event.envelope), body: text(event.request.body))
        #expect(try parse(line.text).content?.envelope == event.envelope)
    }

    @Test(
        arguments: [
            ("orgloop_queue", "2", "newer_format"), ("orgloop_queue", "0", "not_an_event"),
            ("orgloop_queue", #""1""#, "not_an_event"), ("orgloop_queue", "1.5", "not_an_event"),
            ("envelope", #""!!!!""#, "bad_base64"), ("envelope", #""e30""#, "bad_base64"),
            ("body", #""e3 0=""#, "bad_base64"), ("body", #""e31=""#, "bad_base64"),
            ("body", #""e30=e30=""#, "bad_base64"), ("body", #""====""#, "bad_base64"),
            ("body", "7", "bad_base64"), ("body", #""e30=""#, "hash_mismatch"),
            ("body", #""""#, "hash_mismatch"), ("envelope", #""e30=""#, "hash_mismatch"),
            ("id", #""evt_b2""#, "envelope_mismatch"), ("source", #""other""#, "envelope_mismatch"),
            ("type", #""actor.stopped""#, "envelope_mismatch"), ("body_sha256", #""ab""#, "not_an_event"),
            ("received_at", #""2025-02-03T04:05:06Z""#, "not_an_event"), ("headers", "[]", "not_an_event"),
            ("idempotency_key", #""""#, "not_an_event"), ("idempotency_key", "7", "not_an_event"),
            ("verification", #""""#, "not_an_event"),
        ] as [(String, String, String)])
    func `an export line with a fault is refused by its code`(member: String, json: String, code: String) {
        #expect(refusal(of: ExportedLine().with(member, json).text)?.code == code)
    }

    @Test(arguments: ["id", "source", "type", "platform_event", "received_at", "verification", "key_id", "body"])
    func `an export line without one of its members is refused`(member: String) {
        #expect(refusal(of: ExportedLine().with(member, nil).text)?.code == "not_an_event")
    }

    @Test func `an envelope that is no event is refused although its hash is right`() {
        for envelope in ["nonsense", "[]", #"{"id":"evt_a1"}"#] {
            #expect(refusal(of: ExportedLine(envelope: envelope).text)?.code == "not_an_event")
        }
    }

    @Test func `base64 of every length is decoded`() throws {
        for length in 0...64 {
            let body = String(repeating: "ÿ", count: length) + "x"
            let event = try parse(ExportedLine(body: body).text)
            #expect(text(event.content?.body ?? []) == body)
        }
    }

    // MARK: Helpers

    private func parse(_ line: String) throws -> ImportedEvent {
        try ImportLine.parse(Array(line.utf8), receivedAt: received)
    }

    private func refusal(of line: String) -> ImportError? {
        do throws(ImportError) {
            _ = try ImportLine.parse(Array(line.utf8), receivedAt: received)
            return nil
        } catch {
            return error
        }
    }
}

/// A line as `export` writes it, with a place for every fault.
struct ExportedLine {
    let envelope: String
    private var members: [(name: String, json: String)]

    init(
        id: String = "evt_a1", source: String = "deploys",
        envelope: String = #"{"id":"evt_a1","source":"deploys","type":"resource.changed"}"#, body: String = "{ }"
    ) {
        self.envelope = envelope
        members = [
            ("orgloop_queue", "1"), ("id", "\"\(id)\""), ("source", "\"\(source)\""),
            ("type", #""resource.changed""#), ("platform_event", #""push""#),
            ("received_at", #""2025-02-03T04:05:06.789Z""#), ("verification", #""hub""#),
            ("key_id", #""6460d93a""#), ("idempotency_key", #""delivery-1""#),
            ("headers", #"{"content-type":"application/json","x-signature":["a","b"]}"#),
            ("body_sha256", "\"\(Fingerprint(of: Array(body.utf8)))\""),
            ("envelope_sha256", "\"\(Fingerprint(of: Array(envelope.utf8)))\""),
            ("envelope", "\"\(Data(envelope.utf8).base64EncodedString())\""),
            ("body", "\"\(Data(body.utf8).base64EncodedString())\""),
        ]
    }

    /// The line with another value of a member; `nil` leaves the member out.
    func with(_ name: String, _ json: String?) -> ExportedLine {
        var line = self
        line.members = members.compactMap { $0.name == name ? json.map { (name, $0) } : $0 }
        return line
    }

    var text: String { "{" + members.map { "\"\($0.name)\":\($0.json)" }.joined(separator: ",") + "}" }
}
