import EventQueue
import EventQueueHTTP
import Testing

/// The calls of people: listings, records, and keeping the queue small.
@Suite struct AuditCallTests {
    @Test func `events are listed with their states, and the next page is named`() async throws {
        try await TestService.run { service in
            let first = try await service.deploy(1)
            let second = try await service.deploy(2)
            _ = try await service.call("poll", #"{"limit":1}"#)
            let page = try await service.client.send("GET", "/v1/events?source=deploys&limit=1")
            let row = try #require((page.json["events"] as? [[String: Any]])?.first)
            #expect(row["id"] as? String == first)
            #expect(row["state"] as? String == "drained")
            #expect(row["consumer"] as? String == "orgloop")
            let next = try #require(page.json["next"] as? Int)
            let rest = try await service.client.send("GET", "/v1/events?after=\(next)&state=pending")
            #expect((rest.json["events"] as? [[String: Any]])?.map { $0["id"] as? String } == [second])
            #expect(rest.text.hasSuffix(#""next":null}"#))
            let last = try await service.client.send("GET", "/v1/events?last=true&limit=1")
            #expect((last.json["events"] as? [[String: Any]])?.first?["id"] as? String == second)
        }
    }

    @Test(arguments: [
        ("stat=pending", "stat"), ("state=lost", "state"), ("limit=0", "limit"), ("limit=1001", "limit"),
        ("after=x", "after"), ("since=yesterday", "since"), ("type=stopped", "type"), ("source=a%20b", "source"),
        ("source=a&source=b", "twice"), ("last=true&after=1", "last"), ("source=%zz", "well-formed"),
    ])
    func `a filter that cannot be meant is refused by name`(query: String, word: String) async throws {
        try await TestService.run { service in
            let reply = try await service.client.send("GET", "/v1/events?\(query)")
            #expect(reply.status == 400)
            #expect(reply.code == "bad_request")
            #expect((reply.json["detail"] as? String)?.contains(word) == true)
        }
    }

    @Test func `an event's record holds its envelope byte for byte and everything that happened to it`()
        async throws
    {
        try await TestService.run { service in
            let body = "{\n  \"type\": \"deploy\", \"cost\": 1.10e2 }"
            let headers = [(name: "Idempotency-Key", value: "k-1"), (name: "User-Agent", value: "tests")]
            _ = try await service.post("deploys", body, headers)
            let sent = try await service.post("deploys", body, headers)
            let id = try #require(sent.json["event_id"] as? String)
            let polled = try await service.call("poll", "{}")
            let record = try await service.client.send("GET", "/v1/events/\(id)")
            #expect(record.status == 200)
            let envelope = polled.text.dropFirst(#"{"events":["#.count).prefix { $0 != "]" }
            #expect(record.text.contains(#""event":\#(envelope),"#))
            let request = try #require(record.json["request"] as? [String: Any])
            #expect(request["verification"] as? String == "none")
            #expect(request["idempotency_key"] as? String == "k-1")
            #expect((request["headers"] as? [String: String])?["user-agent"] == "tests")
            #expect(request["duplicates"] as? Int == 1)
            let consumer = try #require((record.json["consumers"] as? [[String: Any]])?.first)
            #expect(consumer["state"] as? String == "drained")
            #expect((consumer["emissions"] as? [[String: Any]])?.first?["batch"] as? Int == 1)
        }
    }

    @Test func `what is not there is not found, by its code`() async throws {
        try await TestService.run { service in
            #expect(try await service.client.send("GET", "/v1/events/evt_0").code == "unknown_event")
            #expect(try await service.client.send("GET", "/v1/events/what").code == "unknown_event")
            #expect(try await service.client.send("GET", "/v1/replays/rpl_0").code == "unknown_replay")
            let drop = try await service.client.send(
                "POST", "/v1/consumers/nobody/drop", body: Array(#"{"actor":"a","reason":"b"}"#.utf8))
            #expect(drop.code == "unknown_consumer")
            #expect(drop.status == 404)
        }
    }

    @Test func `a replay is listed and shows its events`() async throws {
        try await TestService.run { service in
            let id = try await service.deploy(1)
            let first = try await service.call("poll", "{}")
            let checkpoint = try #require(first.json["checkpoint"] as? String)
            _ = try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#)
            let order =
                #"{"consumer":"orgloop","actor":"ada","reason":"why","select":{"source":"deploys","batch":1}}"#
            let ordered = try await service.client.send("POST", "/v1/replays", body: Array(order.utf8))
            let name = try #require(ordered.json["replay_id"] as? String)
            let list = try await service.client.send("GET", "/v1/replays?source=deploys")
            let listed = try #require((list.json["replays"] as? [[String: Any]])?.first)
            #expect(listed["id"] as? String == name)
            #expect(listed["waiting"] as? Int == 1)
            #expect((listed["selection"] as? [String: Int]) == ["batch": 1])
            let shown = try await service.client.send("GET", "/v1/replays/\(name)")
            let member = try #require((shown.json["members"] as? [[String: Any]])?.first)
            #expect(member["event_id"] as? String == id)
            #expect(member["state"] as? String == "replaying")
        }
    }

    @Test func `pruning needs a bound, tells what it would do, and does it in slices`() async throws {
        try await TestService.run { service in
            func prune(_ body: String) async throws -> QueueClient.Reply {
                try await service.client.send("POST", "/v1/prune", body: Array(body.utf8))
            }
            #expect(try await prune("{}").code == "no_retention")
            #expect(try await prune(#"{"keep_ms":-1}"#).status == 400)
            #expect(try await prune(#"{"keep":1}"#).status == 400)
            _ = try await service.deploy(1)
            let first = try await service.call("poll", "{}")
            let checkpoint = try #require(first.json["checkpoint"] as? String)
            _ = try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#)
            _ = try await service.deploy(2)
            #expect(try await prune(#"{"dry_run":true,"keep_ms":0}"#).text == #"{"deletes":1,"thins":0,"held":1}"#)
            var deleted = 0
            while true {
                let slice = try await prune(#"{"keep_ms":0}"#)
                #expect(slice.json["freed_bytes"] is Int)
                deleted += try #require(slice.json["deleted"] as? Int)
                if try #require(slice.json["done"] as? Bool) { break }
            }
            #expect(deleted == 1)
            #expect(try await prune(#"{"dry_run":true,"keep_ms":0}"#).json["deletes"] as? Int == 0)
        }
    }

    @Test func `a dropped consumer is answered with what was given up`() async throws {
        try await TestService.run { service in
            _ = try await service.deploy(1)
            _ = try await service.deploy(2)
            _ = try await service.call("poll", #"{"limit":1}"#)
            let drop = try await service.client.send(
                "POST", "/v1/consumers/orgloop/drop", body: Array(#"{"actor":"ada","reason":"gone"}"#.utf8))
            #expect(drop.text == #"{"consumer":"orgloop","sources":1,"pending":1,"unfinished":1}"#)
            let blank = try await service.client.send(
                "POST", "/v1/consumers/orgloop/drop", body: Array(#"{"actor":"ada","reason":" "}"#.utf8))
            #expect(blank.status == 400)
        }
    }

    @Test func `a consumer with an open session is dropped only when that is said outright`() async throws {
        try await TestService.run { service in
            _ = try await service.call("session", #"{"engine":"host/1","settles":true}"#)
            func drop(_ more: String) async throws -> QueueClient.Reply {
                try await service.client.send(
                    "POST", "/v1/consumers/orgloop/drop",
                    body: Array(#"{"actor":"ada","reason":"gone"\#(more)}"#.utf8))
            }
            for more in ["", #","force":false"#] {
                let refused = try await drop(more)
                #expect(refused.status == 409)
                #expect(refused.code == "session_open")
                #expect((refused.json["detail"] as? String)?.contains("force") == true)
            }
            #expect(try await drop(#","force":true"#).status == 200)
        }
    }
}
