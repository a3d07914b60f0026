import EventQueue
import EventQueueHTTP
import Foundation
import Testing

@Suite struct LifecycleTests {
    @Test func `a poll that waits is answered by the next event`() async throws {
        try await TestService.run { service in
            async let waiting = service.call("poll", #"{"wait_ms":20000}"#, timeout: .seconds(30))
            try await service.untilPolled()
            let began = ContinuousClock.now
            let id = try await service.deploy(1)
            let reply = try await waiting
            #expect(reply.text.contains(id))
            // Well before its time is up, however slow the machine is.
            #expect(ContinuousClock.now - began < .seconds(15))
        }
    }

    @Test func `a poll that waits is refused when its session is fenced`() async throws {
        try await TestService.run { service in
            let opened = try await service.call("session", #"{"engine":"one"}"#)
            let session = try #require(opened.json["session"] as? String)
            async let waiting = service.call(
                "poll", #"{"session":"\#(session)","wait_ms":20000}"#, timeout: .seconds(30))
            #expect(try await service.call("session", #"{"engine":"two"}"#).status == 200)
            let reply = try await waiting
            #expect(reply.status == 409)
            #expect(reply.code == "session_fenced")
        }
    }

    @Test func `a poll whose caller hangs up does not wait on`() async throws {
        try await TestService.run { service in
            let began = ContinuousClock.now
            let answer = try await RawConnection(port: service.port).cutting(
                TestService.rawPoll(#"{"wait_ms":20000}"#))
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            // Of the 20 s that it would have waited; the machine may be busy.
            #expect(ContinuousClock.now - began < .seconds(15))
        }
    }

    @Test func `a shutdown answers the polls that wait`() async throws {
        try await TestService.run { service in
            async let waiting = service.call("poll", #"{"wait_ms":20000}"#, timeout: .seconds(30))
            try await service.untilPolled()
            let began = ContinuousClock.now
            await service.stop()
            let reply = try await waiting
            #expect(reply.status == 200)
            // Well before its time is up, however slow the machine is.
            #expect(ContinuousClock.now - began < .seconds(15))
        }
    }

    @Test func `a shutdown ends in time although peers neither send nor read`() async throws {
        var limits = Limits.Settings()
        limits.bodyTimeout = .seconds(60)
        limits.headTimeout = .seconds(60)
        let sockets = HeldSockets()
        let stopped = try await TestService.run(limits: limits) { service in
            let stalled = [
                "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{", "GET /hea",
                "",
            ]
            for text in stalled { sockets.hold(try await RawConnection(port: service.port), sending: text) }
            let large = String(repeating: "x", count: 1_000_000)
            for number in 1...9 {
                _ = try await service.post("deploys", #"{"n":\#(number),"x":"\#(large)"}"#)
            }
            sockets.hold(try await RawConnection(port: service.port), sending: TestService.rawPoll("{}"))
            try await service.untilPolled { $0.counts[.drained] != nil }
            return ContinuousClock.now
        }
        #expect(ContinuousClock.now - stopped < .seconds(8))
        await sockets.release()
    }

    @Test func `health, readiness and metrics need no token`() async throws {
        try await TestService.run { service in
            _ = try await service.call("poll", "{}")
            _ = try await service.deploy(1)
            _ = try await service.post("claude-code", "{}")
            #expect(try await service.stranger.send("GET", "/health").text == #"{"status":"ok"}"#)
            #expect(try await service.stranger.send("GET", "/ready").text == #"{"status":"ready"}"#)
            service.health.set(.notReady(reason: "the disk is full"))
            let unready = try await service.stranger.send("GET", "/ready")
            #expect(unready.status == 503)
            #expect(unready.text == #"{"status":"not ready","reason":"the disk is full"}"#)
            let metrics = try await service.stranger.send("GET", "/metrics")
            #expect(metrics.text.contains("\norgloop_queue_ready 0\n"))
            #expect(metrics.header("content-type")?.hasPrefix("text/plain; version=0.0.4") == true)
            for line in [
                #"orgloop_queue_http_requests_total{route="webhook",status="200"} 1"#,
                #"orgloop_queue_received_total{source="deploys",result="stored"} 1"#,
                #"orgloop_queue_received_total{source="claude-code",result="unverified"} 1"#,
                #"orgloop_queue_events{source="deploys",consumer="orgloop",state="pending"} 1"#,
                "orgloop_queue_store_up 1",
            ] {
                #expect(metrics.text.split(separator: "\n").contains(Substring(line)))
            }
        }
    }

    @Test func `a client that asks before it sends its body is invited`() async throws {
        try await TestService.run { service in
            let answer = try await RawConnection.exchange(
                port: service.port,
                "POST /webhook/deploys HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                    + "Connection: close\r\nContent-Length: 2\r\n\r\n{}")
            #expect(answer.hasPrefix("HTTP/1.1 100"))
            #expect(answer.contains("HTTP/1.1 200"))
        }
    }

    @Test func `one connection carries several requests`() async throws {
        try await TestService.run { service in
            let request = "POST /webhook/deploys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
            let answer = try await RawConnection.exchange(
                port: service.port, "\(request)\r\n{}\(request)Connection: close\r\n\r\n{}")
            #expect(answer.components(separatedBy: "HTTP/1.1 200").count == 3)
        }
    }

    @Test func `the client tells apart why there is no answer`() async throws {
        #expect(throws: QueueClient.Failure.invalidURL("https://x")) { try QueueClient(url: "https://x") }
        let port = try await TestService.run { $0.port }
        let nobody = try QueueClient(url: "http://127.0.0.1:\(port)")
        await #expect(throws: QueueClient.Failure.unreachable(url: nobody.url)) {
            try await nobody.send("GET", "/health")
        }
        try await TestService.run { service in
            await #expect(throws: QueueClient.Failure.timedOut(url: service.client.url)) {
                try await service.call("poll", #"{"wait_ms":20000}"#, timeout: .milliseconds(200))
            }
        }
    }

    @Test func `a token prints as nothing`() throws {
        let token = try #require(AccessToken("very-secret"))
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains("very-secret"))
        #expect(AccessToken("") == nil)
        #expect(AccessToken("two words") == nil)
    }
}
