import EventQueueHTTP
import Testing

@Suite struct GateTests {
    @Test(arguments: ["/webhook/open", "/v1/status", "/health", "/metrics", "/nothing"])
    func `a browser's request is refused on every path`(path: String) async throws {
        try await TestService.run { service in
            let reply = try await service.client.send("POST", path, headers: [("Origin", "http://localhost")])
            #expect(reply.status == 403)
            #expect(reply.code == "Origin not allowed")
            #expect(reply.json["detail"] is String)
        }
    }

    @Test(arguments: [
        "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "[::1",
    ])
    func `a host that nobody configured is refused and told what to do`(host: String) async throws {
        try await TestService.run { service in
            let answer = try await get(service, "/health", host: host)
            #expect(answer.hasPrefix("HTTP/1.1 421"))
            #expect(answer.contains(#"{"error":"Host not allowed","detail":"#))
            #expect(answer.contains("`hosts`"))
        }
    }

    @Test(arguments: [
        "localhost", "localhost:", "localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:99", "queue.local", "queue.local:8",
    ])
    func `loopback names and configured hosts come in`(host: String) async throws {
        try await TestService.run(hosts: ["queue.local"]) { service in
            let answer = try await get(service, "/health", host: host)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a configured host with a port goes with that port only`() async throws {
        try await TestService.run(hosts: ["queue.local:8080"]) { service in
            let right = try await get(service, "/health", host: "queue.local:8080")
            #expect(right.hasPrefix("HTTP/1.1 200"))
            let wrong = try await get(service, "/health", host: "queue.local:81")
            #expect(wrong.hasPrefix("HTTP/1.1 421"))
        }
    }

    @Test func `no host and two hosts are refused`() async throws {
        try await TestService.run { service in
            for hosts in ["", "Host: localhost\r\nHost: localhost\r\n"] {
                let answer = try await RawConnection.exchange(
                    port: service.port, "GET /health HTTP/1.1\r\n\(hosts)Connection: close\r\n\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 400"))
            }
        }
    }

    private func get(_ service: TestService, _ path: String, host: String) async throws -> String {
        try await RawConnection.exchange(
            port: service.port, "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
    }
}
