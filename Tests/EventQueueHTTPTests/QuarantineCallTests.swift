import EventQueue
import EventQueueHTTP
import Testing

@testable import EventQueueSQLite

/// The calls about requests that could not become events.
@Suite struct QuarantineCallTests {
    @Test func `without the token nothing is told and nothing done`() async throws {
        try await TestService.run { service in
            #expect(try await service.post("open", "no json").status == 400)
            let order = Array(#"{"actor":"ada","reason":"why"}"#.utf8)
            for (method, path) in [
                ("GET", ""), ("GET", "/1"), ("POST", "/1/retry"), ("POST", "/1/discard"),
            ] {
                let reply = try await service.stranger.send(
                    method, "/v1/quarantine" + path, body: method == "POST" ? order : [])
                #expect(reply.status == 401)
                #expect(reply.code == "unauthorized")
            }
            #expect(try await service.kept(1).status == 200)
        }
    }

    @Test(arguments: [
        ("POST", "", "GET, HEAD"), ("DELETE", "/1", "GET, HEAD"), ("GET", "/1/retry", "POST"),
        ("GET", "/1/discard", "POST"),
    ])
    func `another method is told which there are`(method: String, path: String, allowed: String) async throws {
        try await TestService.run { service in
            let reply = try await service.client.send(method, "/v1/quarantine" + path)
            #expect(reply.status == 405)
            #expect(reply.code == "method_not_allowed")
            #expect(reply.header("allow") == allowed)
        }
    }

    @Test(arguments: ["7", "x", "9223372036854775808", "-1"])
    func `a number that is not in quarantine is not found by any call`(id: String) async throws {
        try await TestService.run { service in
            let replies = [
                try await service.kept(id), try await service.order("retry", id, #"{"actor":"ada"}"#),
                try await service.order("discard", id, #"{"actor":"ada","reason":"why"}"#),
            ]
            for reply in replies {
                #expect(reply.status == 404)
                #expect(reply.code == "unknown_quarantine")
                #expect((reply.json["detail"] as? String)?.contains("quarantine list") == true)
            }
        }
    }

    @Test func `a source that nobody knows is not found, and one without rejected requests has none`() async throws {
        try await TestService.run { service in
            let unknown = try await service.client.send("GET", "/v1/quarantine?source=deplyos")
            #expect(unknown.status == 404)
            #expect(unknown.code == "unknown_source")
            #expect(try await service.client.send("GET", "/v1/quarantine?source=a%20b").status == 400)
            let empty = try await service.client.send("GET", "/v1/quarantine?source=deploys")
            #expect(empty.text == #"{"quarantine":[],"next":null}"#)
        }
    }

    @Test func `pages follow each other, and a last one that is full names no next`() async throws {
        try await TestService.run { service in
            for body in ["1", "2", "3", "4"] { _ = try await service.post("open", body) }
            _ = try await service.post("deploys", "5")
            func page(_ query: String) async throws -> (ids: [Int], next: Int?) {
                let reply = try await service.client.send("GET", "/v1/quarantine?" + query)
                let rows = try #require(reply.json["quarantine"] as? [[String: Any]])
                #expect(rows.allSatisfy { $0["body"] == nil })
                return (rows.compactMap { $0["id"] as? Int }, reply.json["next"] as? Int)
            }
            #expect(try await page("source=open&limit=2") == ([1, 2], 2))
            #expect(try await page("source=open&limit=2&after=2") == ([3, 4], nil))
            #expect(try await page("limit=5") == ([1, 2, 3, 4, 5], nil))
            #expect(try await page("limit=4") == ([1, 2, 3, 4], 4))
            #expect(try await page("after=5") == ([], nil))
        }
    }

    @Test func `a body that is no text is shown in base64 only`() async throws {
        try await TestService.run { service in
            let bytes: [UInt8] = [0x7B, 0xFF, 0x00]
            #expect(try await service.stranger.send("POST", "/webhook/open", body: bytes).status == 400)
            let shown = try await service.kept(1)
            #expect(shown.text.contains(#""body":null,"body_base64":"e/8A""#))
            #expect(shown.json["reason"] as? String == "invalid_json")
            #expect(shown.json["bytes"] as? Int == 3)
        }
    }

    @Test func `a retry that is refused says why by its code, and the request is kept for that from now on`()
        async throws
    {
        try await TestService.run { service in
            _ = try await service.post("deploys", "[1]")
            #expect(try await service.kept(1).json["reason"] as? String == "invalid_json")
            let first = try await service.order("retry", 1, #"{"actor":"ada","reason":"hope"}"#)
            #expect(first.status == 422)
            #expect(first.code == "invalid_json")
            // A list may be the data of a CloudEvent, but this one has no headers of one.
            try service.configure("deploys", .cloudEvents)
            let second = try await service.order("retry", 1, #"{"actor":"ada"}"#)
            #expect(second.status == 422)
            #expect(second.code == "missing_header")
            #expect((second.json["detail"] as? String)?.contains("ce-specversion") == true)
            let shown = try await service.kept(1)
            #expect(shown.json["reason"] as? String == "missing_header")
            #expect((shown.json["detail"] as? String)?.contains("ce-specversion") == true)
            let orders = try #require(shown.json["orders"] as? [[String: Any]])
            #expect(orders.map { $0["action"] as? String } == ["refused", "refused"])
            #expect(orders.map { $0["rejection"] as? String } == ["invalid_json", "missing_header"])
            #expect(orders.map { $0["reason"] as? String } == ["hope", nil])
            try service.configure("other", .cloudEvents)
            let unserved = try await service.order("retry", 1, #"{"actor":"ada"}"#)
            #expect(unserved.status == 404)
            #expect(unserved.code == "unknown_source")
        }
    }

    @Test func `a body that was changed in the file is never an event, and can be discarded`() async throws {
        try await TestService.run { service in
            _ = try await service.post("open", "no json")
            let store = try #require(service.store as? SQLiteEventStore)
            try await store.write { database in
                try database.run("DROP TRIGGER quarantined_request_is_never_changed")
                try database.run("UPDATE quarantine SET body = x'7B7D'")
            }
            let reply = try await service.order("retry", 1, #"{"actor":"ada"}"#)
            #expect(reply.status == 422)
            #expect(reply.code == "damaged")
            #expect((reply.json["detail"] as? String)?.contains("hash") == true)
            #expect(try await service.store.status().sources.allSatisfy { $0.events == 0 })
            #expect(try await service.order("discard", 1, #"{"actor":"ada","reason":"damaged"}"#).text == "{}")
        }
    }

    @Test(arguments: [
        ("retry", #"{"reason":"x"}"#, "actor"), ("retry", #"{"actor":" "}"#, "actor"),
        ("retry", #"{"actor":"ada","reason":""}"#, "reason"), ("retry", #"{"actor":"ada","newkey":true}"#, "newkey"),
        ("discard", #"{"actor":"ada"}"#, "reason"), ("discard", #"{"actor":"ada","reason":" "}"#, "reason"),
    ])
    func `an order without somebody, or with a blank reason, is refused by name`(
        call: String, body: String, word: String
    ) async throws {
        try await TestService.run { service in
            _ = try await service.post("open", "no json")
            let reply = try await service.order(call, 1, body)
            #expect(reply.status == 400)
            #expect((reply.json["detail"] as? String)?.contains(word) == true)
            let kept = try await service.kept(1)
            #expect((kept.json["orders"] as? [Any])?.isEmpty == true)
        }
    }

    @Test func `whoever comes second learns what became of the request`() async throws {
        try await TestService.run { service in
            _ = try await service.post("open", #"{"n":1}"#)
            _ = try await service.post("open", #"{"n":2}"#)
            try service.configure("open", .webhook(eventTypeField: ["type"]))
            let retried = try await service.order("retry", 1, #"{"actor":"ada","reason":"mended"}"#)
            let event = try #require(retried.json["event_id"] as? String)
            let second = try await service.order("retry", 1, #"{"actor":"bob"}"#)
            #expect(second.code == "unknown_quarantine")
            let detail = try #require(second.json["detail"] as? String)
            #expect(detail.contains("ada retried it"))
            #expect(detail.contains(event))
            _ = try await service.order("discard", 2, #"{"actor":"bob","reason":"a test"}"#)
            let gone = try await service.kept(2)
            #expect((gone.json["detail"] as? String)?.contains("bob discarded it") == true)
        }
    }

    @Test(arguments: BodyNamed.all)
    func `a request whose body names the delivery is stored without its key when that is ordered`(
        _ named: BodyNamed
    ) async throws {
        try await TestService.run { service in
            try service.configure("deploys", named.kind)
            #expect(try await service.post("deploys", named.body(1), named.headers).status == 200)
            #expect(try await service.post("deploys", named.body(2), named.headers).status == 422)
            let kept = try await service.order("retry", 1, #"{"actor":"ada"}"#)
            #expect(kept.status == 422)
            #expect(kept.code == "idempotency_conflict")
            #expect((kept.json["detail"] as? String)?.contains("new_key") == true)
            let retried = try await service.order("retry", 1, #"{"actor":"ada","new_key":true}"#)
            #expect(retried.status == 200, "\(retried.text)")
            #expect(retried.json["duplicate"] as? Bool == false)
            let id = try #require(retried.json["event_id"] as? String)
            let record = try await service.client.send("GET", "/v1/events/\(id)")
            #expect(record.text.contains(#""idempotency_key":null"#))
        }
    }
}

/// A kind whose bodies name the delivery.
struct BodyNamed: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let kind: Source.Kind
    let type: String
    /// What stands around the number that makes bodies differ.
    let frame: (String, String)
    /// Attributes that are headers.
    var attributes: [String: String] = [:]

    var headers: [(name: String, value: String)] {
        [(name: "Content-Type", value: type)] + attributes.map { (name: "ce-\($0)", value: $1) }
    }

    func body(_ number: Int) -> String { frame.0 + String(number) + frame.1 }

    private static let cloudEvent = #"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"#

    static let all = [
        BodyNamed(
            testDescription: "a CloudEvent", kind: .cloudEvents, type: "application/cloudevents+json",
            frame: (cloudEvent, "}")),
        BodyNamed(
            testDescription: "a CloudEvent in headers", kind: .cloudEvents, type: "application/json", frame: ("", ""),
            attributes: ["specversion": "1.0", "id": "1", "source": "/s", "type": "t"]),
        BodyNamed(
            testDescription: "a batch of one CloudEvent", kind: .cloudEvents,
            type: "application/cloudevents-batch+json", frame: ("[" + cloudEvent, "}]")),
        BodyNamed(
            testDescription: "a batch of two CloudEvents", kind: .cloudEvents,
            type: "application/cloudevents-batch+json",
            frame: ("[" + cloudEvent + "0}," + cloudEvent.replacing(#""id":"1""#, with: #""id":"2""#), "}]")),
        BodyNamed(
            testDescription: "a finished event", kind: .orgLoopEvent, type: "application/json",
            frame: (#"{"id":"evt_t","type":"actor.stopped","provenance":{"platform":"p"},"payload":{"n":"#, "}}")),
    ]
}

extension TestService {
    fileprivate func kept(_ id: some CustomStringConvertible) async throws -> QueueClient.Reply {
        try await client.send("GET", "/v1/quarantine/\(id)")
    }

    fileprivate func order(
        _ call: String, _ id: some CustomStringConvertible, _ body: String
    ) async throws -> QueueClient.Reply {
        try await client.send("POST", "/v1/quarantine/\(id)/\(call)", body: Array(body.utf8))
    }

    /// Serves one of the sources that believe everybody as another kind, and no other source.
    fileprivate func configure(_ name: String, _ kind: Source.Kind) throws {
        let id = try #require(Source.ID(name))
        sources.replace(with: [Source(id: id, kind: kind, verifier: Verifier(scheme: .none, secrets: []))])
    }
}
