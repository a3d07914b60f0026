import EventQueue
import EventQueueHTTP
import Testing

@Suite struct ConsumerAPITests {
    @Test(arguments: [
        "/v1/consumers/orgloop/sources/deploys/poll", "/v1/replays", "/v1/sources", "/v1/no-such-call",
        "/v1/events/evt_1", "/v1/prune", "/v1/consumers/orgloop/drop",
    ])
    func `without the token every call is refused`(path: String) async throws {
        try await TestService.run { service in
            let other = try #require(AccessToken("test-token2"))
            let wrong = try QueueClient(url: service.client.url, token: other)
            for client in [service.stranger, wrong] {
                let reply = try await client.send("POST", path)
                #expect(reply.status == 401)
                #expect(reply.code == "unauthorized")
                #expect(reply.header("www-authenticate") == "Bearer")
                #expect(reply.header("content-type") == "application/problem+json")
            }
        }
    }

    @Test func `a batch is handed over once, byte for byte, and again only to who did not save it`()
        async throws
    {
        try await TestService.run { service in
            let empty = try await service.call("poll", #"{"checkpoint":null}"#)
            #expect(empty.text == #"{"events":[],"checkpoint":null,"resent":false}"#)
            let id = try await service.deploy(1)
            let first = try await service.call("poll", #"{"checkpoint":null,"limit":1}"#)
            let checkpoint = try #require(first.json["checkpoint"] as? String)
            #expect(first.text.hasPrefix(#"{"events":[{"id":"\#(id)","timestamp":"#))
            #expect(first.text.contains(#""payload":{"type":"deploy","number":1}"#))
            let again = try await service.call("poll", #"{"checkpoint":null}"#)
            #expect(again.text == first.text.replacing(#""resent":false"#, with: #""resent":true"#))
            let next = try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#)
            #expect(next.text == #"{"events":[],"checkpoint":"\#(checkpoint)","resent":false}"#)
            let lost = try await service.call("poll", #"{"checkpoint":""}"#)
            #expect(lost.json["warning"] as? String == "checkpoint_regressed")
        }
    }

    @Test func `a checkpoint of nowhere is a conflict and tells the command that mends it`() async throws {
        try await TestService.run { service in
            _ = try await service.deploy(1)
            let reply = try await service.call("poll", #"{"checkpoint":"rubbish"}"#)
            #expect(reply.status == 409)
            #expect(reply.code == "lineage_mismatch")
            #expect(reply.header("content-type") == "application/problem+json")
            let detail = try #require(reply.json["detail"] as? String)
            #expect(detail.contains("orgloop-queue resume deploys --consumer orgloop"))
        }
    }

    @Test func `an operator's resume is answered with what was passed over`() async throws {
        try await TestService.run { service in
            _ = try await service.call("poll", "{}")
            let id = try await service.deploy(1)
            let body = #"{"actor":"ada","reason":"restored a backup","skip_through":"\#(id)"}"#
            #expect(try await service.call("resume", body).text == #"{"passed_over":1,"new_reader":false}"#)
            #expect(try await service.call("resume", #"{"actor":" ","reason":"x"}"#).status == 400)
            #expect(try await service.call("resume", #"{"actor":"a","reason":"x","skip":"y"}"#).status == 400)
        }
    }

    @Test func `a newer session fences the one before`() async throws {
        try await TestService.run { service in
            let first = try await openSession(service)
            #expect(try await service.call("poll", "{}").code == "session_required")
            let second = try await openSession(service)
            let fenced = try await service.call("poll", #"{"session":"\#(first)"}"#)
            #expect(fenced.status == 409)
            #expect(fenced.code == "session_fenced")
            #expect(try await service.call("poll", #"{"session":"\#(second)"}"#).status == 200)
            #expect(try await service.call("session/close", #"{"session":"\#(second)"}"#).text == "{}")
            #expect(try await service.call("poll", #"{"session":"\#(second)"}"#).code == "session_closed")
            #expect(try await service.call("poll", #"{"session":"what?"}"#).code == "session_unknown")
        }
    }

    @Test func `outcomes are settled and unknown ids reported`() async throws {
        try await TestService.run { service in
            let id = try await service.deploy(1)
            _ = try await service.call("poll", "{}")
            let body =
                #"{"outcomes":[{"event_id":"\#(id)","outcome":"delivered"},"#
                + #"{"event_id":"evt_0","outcome":"failed"}]}"#
            #expect(try await service.call("settle", body).text == #"{"settled":1,"unknown":["evt_0"]}"#)
            let state = try await service.store.state(of: #require(Event.ID(id)), for: .standard)
            #expect(state == .delivered)
            let wrong = try await service.call(
                "settle", #"{"outcomes":[{"event_id":"\#(id)","outcome":"lost"}]}"#)
            #expect(wrong.status == 400)
        }
    }

    @Test func `a replay is tried, ordered and emitted`() async throws {
        try await TestService.run { service in
            let id = try await service.deploy(1)
            let first = try await service.call("poll", "{}")
            let checkpoint = try #require(first.json["checkpoint"] as? String)
            _ = try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#)
            let dry = try await replay(
                service, #"{"source":"deploys","event_ids":["\#(id)"]}"#, #","dry_run":true"#)
            #expect(dry.text == #"{"replay_id":null,"events":1,"skipped":0,"event_ids":["\#(id)"]}"#)
            let done = try await replay(
                service, #"{"source":"deploys","batch":1}"#, #","idempotency_key":"k""#)
            #expect(done.status == 200)
            #expect((done.json["replay_id"] as? String)?.hasPrefix("rpl_") == true)
            #expect(done.json["event_ids"] == nil)
            let other = try await replay(
                service, #"{"source":"deploys","from_seq":1,"to_seq":1}"#, #","idempotency_key":"k""#)
            #expect(other.status == 422)
            #expect(other.code == "idempotency_conflict")
            let again = try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#)
            #expect(again.text.contains(#""replay":{"#))
            #expect((again.json["events"] as? [Any])?.count == 1)
        }
    }

    @Test func `a replay of nothing or of unknown things is not found`() async throws {
        try await TestService.run { service in
            _ = try await service.call("poll", "{}")
            let nothing = try await replay(service, #"{"source":"deploys","state":"in_doubt"}"#)
            #expect(nothing.status == 404)
            #expect(nothing.code == "nothing_to_replay")
            let unknown = try await replay(service, #"{"source":"deploys","event_ids":["evt_0"]}"#)
            #expect(unknown.status == 404)
            #expect(unknown.code == "unknown_event")
            #expect(try await replay(service, #"{"source":"nobody","batch":1}"#).code == "unknown_source")
        }
    }

    @Test(arguments: [
        #"{"source":"deploys"}"#, #"{"source":"deploys","batch":1,"state":"in_doubt"}"#,
        #"{"source":"deploys","from_seq":1}"#, #"{"source":"deploys","from_seq":2,"to_seq":1}"#,
        #"{"source":"deploys","since":"yesterday","until":"2025-01-01T00:00:00Z"}"#,
        #"{"source":"deploys","state":"failed"}"#, #"{"source":"deploys","event_ids":[]}"#,
        #"{"source":"deploys","batch":"1"}"#,
    ])
    func `a replay that does not say exactly what it means is refused`(select: String) async throws {
        try await TestService.run { service in
            let reply = try await replay(service, select)
            #expect(reply.status == 400)
            #expect(reply.code == "bad_request")
        }
    }

    @Test func `a misspelt dry run does not replay`() async throws {
        try await TestService.run { service in
            let reply = try await replay(service, #"{"source":"deploys","batch":1}"#, #","dryrun":true"#)
            #expect(reply.status == 400)
            #expect((reply.json["detail"] as? String)?.contains("dryrun") == true)
        }
    }

    @Test(arguments: [
        ("poll", #"{"checkpoint":7}"#, "checkpoint"), ("poll", #"{"limit":0}"#, "limit"),
        ("poll", #"{"limit":1001}"#, "limit"), ("poll", #"{"limit":"1"}"#, "limit"),
        ("poll", #"{"wait_ms":30001}"#, "wait_ms"), ("poll", #"{"wait_ms":-1}"#, "wait_ms"),
        ("poll", "nonsense", "JSON"), ("poll", "[]", "object"), ("session", "{}", "engine"),
        ("session", #"{"engine":"e","start":"middle"}"#, "start"), ("session/close", "{}", "session"),
        ("settle", #"{"outcomes":[{"outcome":"failed"}]}"#, "outcomes"),
        ("resume", #"{"actor":"a"}"#, "reason"),
    ])
    func `a malformed body is refused by the name of its member`(
        call: String, body: String, member: String
    ) async throws {
        try await TestService.run { service in
            let reply = try await service.call(call, body)
            #expect(reply.status == 400)
            #expect(reply.code == "bad_request")
            #expect((reply.json["detail"] as? String)?.contains(member) == true)
        }
    }

    @Test func `unknown names, paths and methods have codes of their own`() async throws {
        try await TestService.run { service in
            #expect(try await service.call("poll", "{}", source: "nobody").code == "unknown_source")
            #expect(try await service.call("poll", "{}", source: "a%20b").code == "unknown_source")
            let consumer = try await service.client.send("POST", "/v1/consumers/a%2F/sources/deploys/poll")
            #expect(consumer.status == 404)
            #expect(consumer.code == "unknown_consumer")
            for path in [
                "/", "/v1", "/v1/no-such-call", "/webhooks", "/v1/consumers/orgloop/sources/deploys/poll/x",
            ] {
                let reply = try await service.client.send("GET", path)
                #expect(reply.status == 404)
                #expect(reply.code == "not_found")
            }
            let wrong = try await service.client.send("GET", "/v1/consumers/orgloop/sources/deploys/poll")
            #expect(wrong.status == 405)
            #expect(wrong.header("allow") == "POST")
            #expect(wrong.code == "method_not_allowed")
            #expect(try await service.client.send("POST", "/v1/status").header("allow") == "GET, HEAD")
        }
    }

    @Test func `the status counts what waits for whom`() async throws {
        try await TestService.run { service in
            _ = try await openSession(service)
            _ = try await service.deploy(1)
            let sources = try await service.client.send("GET", "/v1/sources")
            #expect(sources.status == 200)
            let listed = try #require(sources.json["sources"] as? [[String: Any]])
            let deploys = try #require(listed.first { $0["id"] as? String == "deploys" })
            #expect(deploys["events"] as? Int == 1)
            let cursor = try #require((deploys["consumers"] as? [[String: Any]])?.first)
            #expect(cursor["id"] as? String == "orgloop")
            #expect((cursor["counts"] as? [String: Int])?["pending"] == 1)
            #expect(cursor["oldest_pending_age_seconds"] is Int)
            #expect((cursor["session"] as? [String: Any])?["standing"] as? String == "open")
            let consumers = try await service.client.send("GET", "/v1/consumers")
            let readers = try #require(consumers.json["consumers"] as? [[String: Any]])
            #expect(readers.first?["id"] as? String == "orgloop")
            #expect((readers.first?["sources"] as? [[String: Any]])?.first?["id"] as? String == "deploys")
            let status = try await service.client.send("GET", "/v1/status")
            #expect((status.json["database_bytes"] as? Int ?? 0) > 0)
        }
    }

    private func openSession(_ service: TestService) async throws -> String {
        let reply = try await service.call("session", #"{"engine":"host/1","settles":true}"#)
        #expect(reply.status == 200)
        return try #require(reply.json["session"] as? String)
    }

    private func replay(_ service: TestService, _ select: String, _ more: String = "") async throws
        -> QueueClient.Reply
    {
        let body = #"{"consumer":"orgloop","actor":"ada","reason":"test","select":\#(select)\#(more)}"#
        return try await service.client.send("POST", "/v1/replays", body: Array(body.utf8))
    }
}
