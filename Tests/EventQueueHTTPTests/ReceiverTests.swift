import EventQueue
import EventQueueHTTP
import Testing

@Suite struct ReceiverTests {
    @Test func `a signed session is stored and its id answered`() async throws {
        try await TestService.run { service in
            let reply = try await service.post(
                "claude-code", TestService.session, [TestService.signature(of: TestService.session)])
            #expect(reply.status == 200)
            #expect(reply.header("content-type") == "application/json")
            let id = try #require(reply.json["event_id"] as? String)
            #expect(reply.text == #"{"ok":true,"event_id":"\#(id)"}"#)
            #expect(try await service.store.state(of: #require(Event.ID(id)), for: .standard) == .pending)
        }
    }

    @Test func `without a signature or with a wrong one nothing is stored`() async throws {
        try await TestService.run { service in
            let missing = try await service.post("claude-code", TestService.session)
            #expect(missing.status == 401)
            #expect(missing.text == #"{"error":"Missing signature"}"#)
            let wrong = try await service.post(
                "claude-code", TestService.session, [TestService.signature(of: TestService.session + " ")])
            #expect(wrong.status == 401)
            #expect(wrong.text == #"{"error":"Invalid signature"}"#)
            let sources = try await service.store.status().sources
            #expect(sources.allSatisfy { $0.events == 0 && $0.quarantined == 0 })
        }
    }

    @Test func `a retry under one idempotency key is answered with the first id`() async throws {
        try await TestService.run { service in
            let key = [(name: "Idempotency-Key", value: "delivery-1")]
            let first = try await service.post("open", TestService.session, key)
            let id = try #require(first.json["event_id"] as? String)
            let again = try await service.post("open", TestService.session, key)
            #expect(again.status == 200)
            #expect(again.text == #"{"ok":true,"event_id":"\#(id)","duplicate":true}"#)
        }
    }

    @Test func `an idempotency key with another body is refused and kept in quarantine`() async throws {
        try await TestService.run { service in
            let key = [(name: "Idempotency-Key", value: "delivery-1")]
            let first = try await service.post("deploys", #"{"n":1}"#, key)
            let other = try await service.post("deploys", #"{"n":2}"#, key)
            #expect(other.status == 422)
            #expect(other.code == "Idempotency key reused with a different body")
            #expect(other.json["event_id"] as? String == first.json["event_id"] as? String)
            let deploys = try #require(
                try await service.store.status().sources.first { $0.id.rawValue == "deploys" })
            #expect(deploys.events == 1)
            #expect(deploys.quarantined == 1)
        }
    }

    @Test func `every method but POST is told to use POST`() async throws {
        try await TestService.run { service in
            for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
                let reply = try await service.stranger.send(method, "/webhook/open")
                #expect(reply.status == 405)
                #expect(reply.header("allow") == "POST")
                #expect(reply.text == #"{"error":"Method not allowed"}"#)
            }
            let head = try await service.stranger.send("HEAD", "/webhook/open")
            #expect(head.status == 405)
            #expect(head.body.isEmpty)
        }
    }

    @Test(arguments: ["not json", "{\"a\":1} x", "{\"a\":1,\"a\":2}", "[1]", ""])
    func `a body that is not one JSON object is refused and kept`(body: String) async throws {
        try await TestService.run { service in
            let reply = try await service.post("open", body)
            #expect(reply.status == 400)
            #expect(reply.code == "Invalid JSON payload")
            #expect(reply.json["detail"] is String)
            let source = try #require(
                try await service.store.status().sources.first { $0.id.rawValue == "open" })
            #expect(source.quarantined == 1)
        }
    }

    @Test func `a missing field is named`() async throws {
        try await TestService.run { service in
            let reply = try await service.post(
                "open", #"{"session_id":"s","working_directory":"/","exit_status":0}"#)
            #expect(reply.status == 400)
            #expect(reply.code == "Missing required field: duration_seconds")
            #expect(reply.json["detail"] is String)
        }
    }

    @Test func `an unknown source is named, escaped and cut`() async throws {
        try await TestService.run { service in
            let unknown = try await service.post("x", TestService.session)
            #expect(unknown.status == 404)
            #expect(unknown.text == #"{"error":"Unknown source: x"}"#)
            let quoted = try await RawConnection.exchange(
                port: service.port,
                "POST /webhook/a\"b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(quoted.hasSuffix(#"{"error":"Unknown source: a\"b"}"#))
            let long = try await service.post(String(repeating: "y", count: 500), TestService.session)
            #expect(long.code == "Unknown source: " + String(repeating: "y", count: 128))
        }
    }

    @Test func `a compressed body is refused and an identity one is not`() async throws {
        try await TestService.run { service in
            let gzip = try await service.post("open", TestService.session, [("Content-Encoding", "gzip")])
            #expect(gzip.status == 415)
            #expect(gzip.code == "Unsupported Content-Encoding: gzip")
            let identity = try await service.post(
                "open", TestService.session, [("Content-Encoding", "identity")])
            #expect(identity.status == 200)
        }
    }

    @Test func `a body that is declared too large is refused before it is sent`() async throws {
        try await TestService.run { service in
            let answer = try await RawConnection.exchange(
                port: service.port,
                "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 413"))
            #expect(answer.contains(#"{"error":"Payload too large","detail":"#))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test func `a chunked body is refused as soon as it is too large`() async throws {
        var limits = Limits.Settings()
        limits.bodyBytesMax = 1000
        try await TestService.run(limits: limits) { service in
            let chunk = "200\r\n" + String(repeating: "x", count: 512) + "\r\n"
            let answer = try await RawConnection.exchange(
                port: service.port,
                "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk
                    + chunk)
            #expect(answer.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func `a body that does not arrive is answered 408 and the connection closed`() async throws {
        var limits = Limits.Settings()
        limits.bodyTimeout = .milliseconds(100)
        try await TestService.run(limits: limits) { service in
            let answer = try await RawConnection.exchange(
                port: service.port,
                "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
            #expect(answer.hasPrefix("HTTP/1.1 408"))
            let sources = try await service.store.status().sources
            #expect(sources.allSatisfy { $0.events == 0 && $0.quarantined == 0 })
        }
    }

    @Test func `a head that does not arrive closes the connection`() async throws {
        var limits = Limits.Settings()
        limits.headTimeout = .milliseconds(100)
        try await TestService.run(limits: limits) { service in
            let answer = try await RawConnection.exchange(port: service.port, "POST /webhook/op")
            #expect(answer.isEmpty)
        }
    }

    @Test func `a body cut by its sender is not an event`() async throws {
        try await TestService.run { service in
            let whole = TestService.session
            let connection = try await RawConnection(port: service.port)
            _ = try await connection.cutting(
                "POST /webhook/deploys HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Length: \(whole.utf8.count + 10)\r\n\r\n"
                    + whole)
            let sources = try await service.store.status().sources
            #expect(sources.allSatisfy { $0.events == 0 && $0.quarantined == 0 })
        }
    }

    @Test func `Claude Code's own hook JSON is answered by an empty 200`() async throws {
        try await TestService.run { service in
            let body = #"{"session_id":"s","cwd":"/home","hook_event_name":"Stop","transcript_path":"/t"}"#
            let key = [(name: "Idempotency-Key", value: "h-1")]
            for _ in 1...2 {
                let reply = try await service.post("open", body, key)
                #expect(reply.status == 200)
                #expect(reply.body.isEmpty)
            }
            #expect(try await service.store.status().sources.map(\.events).reduce(0, +) == 1)
        }
    }

    @Test func `a store that cannot write makes a sender retry later`() async throws {
        let failures: [(StoreFailure, String)] = [
            (.diskFull("/secret/path is full"), "disk_full"), (.overQuota(""), "over_quota"),
            (.unavailable(""), "unavailable"), (.damaged(""), "damaged"), (.broken(""), "broken"),
        ]
        for (failure, code) in failures {
            try await TestService.run(wrap: { FailingStore(store: $0, failure: failure) }) { service in
                for body in [TestService.session, "not json"] {
                    let reply = try await service.post("open", body)
                    #expect(reply.status == 503)
                    #expect(reply.json["code"] as? String == code)
                    let seconds = try #require(reply.header("retry-after").flatMap { Int($0) })
                    #expect((1...30).contains(seconds))
                    #expect(!reply.text.contains("/secret/path"))
                }
                let poll = try await service.call("poll", "{}")
                #expect(poll.status == 503)
                #expect(poll.code == code)
            }
        }
    }

    @Test func `a reload replaces the sources`() async throws {
        try await TestService.run { service in
            service.sources.replace(with: [])
            let reply = try await service.post("open", TestService.session)
            #expect(reply.status == 404)
        }
    }

    @Test func `a batch of CloudEvents is taken as a whole, answered with every id, and once`() async throws {
        try await TestService.run { service in
            let type = [(name: "Content-Type", value: "application/cloudevents-batch+json")]
            func event(_ id: Int, _ data: Int) -> String {
                #"{"specversion":"1.0","id":"\#(id)","source":"/s","type":"t","data":{"n":\#(data)}}"#
            }
            let first = try await service.post("ce", "[\(event(1, 1)),\(event(2, 2))]", type)
            #expect(first.status == 200)
            let ids = try #require(first.json["event_ids"] as? [String])
            #expect(ids.count == 2)
            let again = try await service.post("ce", "[\(event(2, 2)),\(event(3, 3))]", type)
            #expect((again.json["event_ids"] as? [String])?.first == ids[1])
            #expect(again.json["duplicates"] as? Int == 1)
            let conflict = try await service.post("ce", "[\(event(4, 4)),\(event(1, 9))]", type)
            #expect(conflict.status == 422)
            let invalid = try await service.post("ce", "[\(event(5, 5)),{}]", type)
            #expect(invalid.status == 400)
            #expect(invalid.text.contains("[1]"))
            let status = try #require(try await service.store.status().sources.first { $0.id.rawValue == "ce" })
            #expect(status.events == 3)
            #expect(status.quarantined == 2)
        }
    }

    @Test func `Slack's URL verification is answered with its challenge and is no event`() async throws {
        try await TestService.run { service in
            let body = #"{"type":"url_verification","challenge":"3eZbrw1a"}"#
            let secret = try #require(Secret(TestService.secret))
            let proof = Verifier.Scheme.slack.proof(of: Array(body.utf8), by: secret, id: "", at: .now())
            let reply = try await service.post("slack", body, proof.map { (name: $0.name, value: $0.value) })
            #expect(reply.status == 200)
            #expect(reply.text == "3eZbrw1a")
            #expect(reply.header("content-type") == "text/plain; charset=utf-8")
            #expect(try await service.post("slack", body).status == 401)
            #expect(try await service.store.status().sources.allSatisfy { $0.events == 0 && $0.quarantined == 0 })
        }
    }
}
