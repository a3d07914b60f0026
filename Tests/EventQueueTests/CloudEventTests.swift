import EventQueue
import Testing

struct CloudEventTests {
    private let binary = [
        ("ce-specversion", "1.0"), ("ce-id", "A%20\"1\""), ("ce-source", "/s/%E2%82%AC"),
        ("ce-type", "com.example.made"),
        ("ce-time", "2024-01-02T03:04:05.678Z"), ("ce-subject", "sub"), ("Content-Type", "application/json"),
    ]
    private static let structured = #"""
        {"specversion":"1.0","id":"1","source":"/s","type":"t\u0041","subject":"x","time":"2024-01-02T03:04:05Z",\#
        "data":{"n": 1.50}}
        """#

    private func normalised(
        _ body: String, _ headers: [(String, String)], scheme: Verifier.Scheme = .none
    ) throws -> [NewEvent] {
        let secrets = scheme == .none ? [] : try [#require(Secret("s3cret"))]
        let proof =
            secrets.first.map { scheme.proof(of: Array(body.utf8), by: $0, id: "1", at: received) } ?? []
        let source = Source(
            id: try #require(Source.ID("ce")), kind: .cloudEvents,
            verifier: Verifier(scheme: scheme, secrets: secrets))
        let request = request(body, TestHeaders(list: headers + proof.map { ($0.name, $0.value) }))
        var ids = (1...9).compactMap { Event.ID("evt_000000000000000\($0)") }
        return try source.normaliseAll(source.verifier.verify(request)) { ids.removeFirst() }
    }

    private static let type = [("Content-Type", "application/cloudevents+json; charset=utf-8")]
    private static let batch = [("Content-Type", "application/cloudevents-batch+json")]

    @Test func `in binary mode the attributes come from the headers and the payload is the body`() throws {
        let event = try #require(try normalised(#"{"n": 1.50}"#, binary).first)
        #expect(event.platformEvent == "com.example.made")
        #expect(event.request.idempotencyKey == "/s/€ A \"1\"")
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_0000000000000001","timestamp":"2024-01-02T03:04:05.678Z","source":"ce",\#
                "type":"resource.changed","provenance":{"platform":"cloudevents","platform_event":"com.example.made",\#
                "ce_source":"/s/€","ce_id":"A \"1\"","ce_subject":"sub"},"payload":{"n": 1.50}}
                """#)
    }

    @Test func `an event without data has no body in binary mode, and an empty payload`() throws {
        let event = try #require(try normalised("", binary).first)
        #expect(text(event.envelope).hasSuffix(#","payload":{}}"#))
    }

    @Test func `attributes that only their sender knows are kept with the request`() throws {
        let event = try #require(try normalised("{}", binary + [("CE-Tenant", "T7"), ("X-Tenant", "T8")]).first)
        #expect(event.request.headersJSON.contains(#""ce-tenant":"T7""#))
        #expect(!event.request.headersJSON.contains("T8"))
    }

    @Test(arguments: ["binary", "structured"])
    func `a source with a space in it is no URI reference`(_ mode: String) {
        #expect(throws: Rejection.self) {
            if mode == "binary" {
                try normalised("{}", binary.map { $0.0 == "ce-source" ? ("ce-source", "/a%20b") : $0 })
            } else {
                try normalised(#"{"specversion":"1.0","id":"1","source":"a b","type":"t"}"#, Self.type)
            }
        }
    }

    @Test func `a batch may repeat an event, and may not give two the same identity`() throws {
        func element(_ number: Int) -> String {
            #"{"specversion":"1.0","id":"4","source":"/s","type":"t","data":{"a":\#(number)}}"#
        }
        #expect(try normalised("[\(element(1)),\(element(1))]", Self.batch).count == 2)
        let detail = "[1]: it has the source and id of [0], and other content"
        #expect(throws: Rejection.invalidJSON(detail: detail)) {
            try normalised("[\(element(1)),\(element(2))]", Self.batch)
        }
    }

    @Test func `in structured mode they come from the body, as they were sent`() throws {
        let event = try #require(try normalised(Self.structured, Self.type).first)
        #expect(event.platformEvent == "tA")
        #expect(event.request.idempotencyKey == "/s 1")
        #expect(
            text(event.envelope)
                == #"""
                {"id":"evt_0000000000000001","timestamp":"2024-01-02T03:04:05Z","source":"ce",\#
                "type":"resource.changed","provenance":{"platform":"cloudevents","platform_event":"t\u0041",\#
                "ce_source":"/s","ce_id":"1","ce_subject":"x"},"payload":{"n": 1.50}}
                """#)
    }

    @Test(arguments: [
        (#""data":[1, 2]"#, #"{"data":[1, 2]}"#), (#""data":"x""#, #"{"data":"x"}"#),
        (#""data_base64":"AAE=""#, #"{"data_base64":"AAE="}"#), (#""extension":1"#, "{}"),
    ])
    func `data that is no object is a member of the payload`(_ member: String, _ payload: String) throws {
        let body = #"{"specversion":"1.0","id":"1","source":"/s","type":"t",\#(member)}"#
        let event = try #require(try normalised(body, Self.type).first)
        #expect(text(event.envelope).hasSuffix(#""payload":\#(payload)}"#))
    }

    @Test func `a batch is as many events, in its order, each under its own identity`() throws {
        let one = Self.structured
        let two = one.replacing(#""id":"1""#, with: #""id":"2""#)
        let events = try normalised("[ \(one) ,\(two)]", Self.batch + [("Idempotency-Key", "all")])
        #expect(events.map(\.id.rawValue) == ["evt_0000000000000001", "evt_0000000000000002"])
        #expect(events.map(\.request.idempotencyKey) == ["/s 1", "/s 2"])
        #expect(events.map { text($0.request.body) } == [one, two])
        #expect(try normalised("[]", Self.batch).isEmpty)
    }

    @Test func `a part of a signed batch says that its signature covers more than it`() throws {
        let events = try normalised("[\(Self.structured)]", Self.batch, scheme: .hub)
        #expect(events.map(\.request.verdict.scheme) == ["hub+batch"])
        #expect(events.map(\.request.verdict.keyID) == [Secret("s3cret")?.keyID])
        #expect(try normalised("[\(Self.structured)]", Self.batch).map(\.request.verdict.scheme) == ["none"])
    }

    @Test(arguments: [
        "{}", "[1]", "[\(structured),{}]", #"[{"specversion":"0.3","id":"1","source":"/s","type":"t"}]"#, "[",
    ])
    func `a batch with anything that is no event is refused as a whole`(_ body: String) {
        #expect(throws: Rejection.self) { try normalised(body, Self.batch) }
    }

    @Test(arguments: ["id", "source", "type", "specversion"])
    func `each required attribute is required, in every mode`(_ name: String) {
        let body = Self.structured.replacing("\"\(name)\":", with: "\"no\(name)\":")
        #expect(throws: Rejection.self) { try normalised(body, Self.type) }
        #expect(throws: Rejection.self) { try normalised("[\(body)]", Self.batch) }
        #expect(throws: Rejection.self) { try normalised("{}", binary.filter { $0.0 != "ce-\(name)" }) }
    }
}

struct HandshakeTests {
    private func handshake(_ body: String, _ scheme: Verifier.Scheme) throws -> Handshake? {
        let secret = try #require(Secret("s3cret"))
        let proof = scheme.proof(of: Array(body.utf8), by: secret, id: "1", at: received)
        let headers = TestHeaders(list: proof.map { ($0.name, $0.value) })
        return Handshake(try Verifier(scheme: scheme, secrets: [secret]).verify(request(body, headers)))
    }

    @Test func `Slack's URL verification is answered with its challenge`() throws {
        let body = #"{"token":"x","challenge":"3eZb\"rZ","type":"url_verification"}"#
        #expect(try handshake(body, .slack).map { text($0.answer) } == "3eZb\"rZ")
    }

    @Test(arguments: [#"{"type":"event_callback","challenge":"x"}"#, #"{"type":"url_verification"}"#, "token=x", "[]"])
    func `everything else of Slack is no handshake`(_ body: String) throws {
        #expect(try handshake(body, .slack)?.answer == nil)
    }

    @Test func `no other scheme has it`() throws {
        let body = #"{"challenge":"x","type":"url_verification"}"#
        for scheme in [Verifier.Scheme.hub, .github, .bearer, .stripe] {
            #expect(try handshake(body, scheme)?.answer == nil)
        }
    }
}
