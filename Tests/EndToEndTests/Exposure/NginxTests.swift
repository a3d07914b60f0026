import EventQueue
import EventQueueHTTP
import Foundation
import Testing

/// `config/nginx.conf` lets senders in to `/webhook/SOURCE`, and nobody to anything else.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime, .enabled(if: Nginx.program != nil, "nginx is not installed"))
struct NginxTests {
    @Test(.enabled(if: Tool.has("openssl"), "openssl is not installed"))
    func `nginx takes the file as it is shipped`() async throws {
        let (status, text) = try await Nginx.test(in: Scratch())
        #expect(status == 0, "\(text)")
        #expect(!text.contains("[warn]"), "\(text)")
    }

    @Test func `a signed webhook passes and is stored, and one with a wrong signature is not`() async throws {
        let (service, nginx) = try await Self.start()
        let body = #"{"type":"deploy"}"#
        let secret = try #require(Secret("it's a secret"))
        let proof = Verifier.Scheme.hub.proof(
            of: Array(body.utf8), by: secret, id: "1", at: .now())
        let signed = proof.map { "\($0.name): \($0.value)\r\n" }.joined()
        let answer = try nginx.post("/webhook/deploys?from=here", body, headers: signed)
        #expect(answer.hasPrefix("HTTP/1.1 200"))
        #expect(answer.contains(#"{"ok":true,"event_id":"evt_"#))
        #expect(try nginx.post("/webhook/deploys", body).hasPrefix("HTTP/1.1 401"))
        #expect(try nginx.post("/webhook/nobody", body).hasPrefix("HTTP/1.1 404"))
        let events = try await service.run(["events", "--source", "deploys", "--json"])
        #expect(events.lines.count == 1)
        await Self.stop(service, nginx)
    }

    @Test func `no spelling of another path reaches the service`() async throws {
        let (service, nginx) = try await Self.start()
        let token = String(
            decoding: try Data(contentsOf: URL(filePath: service.scratch.state + "/token")), as: UTF8.self)
        let header = "Authorization: Bearer \(token.trimmingCharacters(in: .whitespacesAndNewlines))\r\n"
        for path in [
            "/", "/v1/status", "/v1/consumers/orgloop/sources/deploys/poll", "/metrics", "/health", "/ready",
            "/webhook/", "/webhook", "/webhook/a/b", "/webhook/../v1/status", "/webhook/%2e%2e/metrics",
            "/webhook/..%2fmetrics", "//metrics", "/./metrics", "/%6detrics", "/metrics?/webhook/deploys",
            "/metrics;/webhook/deploys", "/webhook/deploys/../../metrics", "/webhook/deploys%2f..%2f..%2fmetrics",
            "/webhook/deploys%00", "/webhook/deploys%0a", "/webhook/deploys%20HTTP/1.1%0d%0aX:%20y", "/WEBHOOK/deploys",
        ] {
            for method in ["GET", "POST"] {
                let answer = try nginx.send(method, path, headers: header)
                #expect(
                    ["HTTP/1.1 404", "HTTP/1.1 400"].contains(answer.prefix(12)),
                    "\(method) \(path): \(answer.prefix(80))")
                #expect(answer.contains("nginx"), "\(path) reached the service")
            }
        }
        #expect(try await Self.routes(service) == [])
        #expect(try nginx.send("GET", "/webhook/deploys").hasPrefix("HTTP/1.1 405"))
        #expect(try nginx.post("/v1/../webhook/open", "{}").hasPrefix("HTTP/1.1 200"))
        #expect(try await Self.routes(service) == ["health", "webhook"])
        await Self.stop(service, nginx)
    }

    @Test func `whoever asks for another name is not answered, and no browser gets through`() async throws {
        let (service, nginx) = try await Self.start()
        for host in ["evil.example", "127.0.0.1", "localhost:4810"] {
            #expect(try nginx.send("POST", "/webhook/open", host: host).isEmpty, "\(host)")
        }
        #expect(try await Self.routes(service) == [])
        #expect(
            try nginx.post("/webhook/open", "{}", headers: "Origin: https://evil.example\r\n").hasPrefix("HTTP/1.1 403")
        )
        await Self.stop(service, nginx)
    }

    @Test func `the largest body that the queue takes passes, and one byte more does not`() async throws {
        let (service, nginx) = try await Self.start()
        let max = Limits.Settings().bodyBytesMax
        let frame = #"{"x":""}"#
        let largest = #"{"x":""# + String(repeating: "x", count: max - frame.utf8.count) + #""}"#
        #expect(largest.utf8.count == max)
        #expect(try nginx.post("/webhook/open", largest).hasPrefix("HTTP/1.1 200"))
        let refused = try nginx.post("/webhook/open", largest + " ")
        #expect(refused.hasPrefix("HTTP/1.1 413") && refused.contains("nginx"))
        await Self.stop(service, nginx)
    }

    @Test func `a queue that does not know its public name says so`() async throws {
        let (service, nginx) = try await Self.start(hosts: "")
        let answer = try nginx.post("/webhook/open", "{}")
        #expect(answer.hasPrefix("HTTP/1.1 421"))
        #expect(answer.contains("If this service is called queue.example.org, add it to `hosts`"))
        await Self.stop(service, nginx)
    }

    @Test func `while the queue is down a sender is told to come again`() async throws {
        let (service, nginx) = try await Self.start()
        await service.stop()
        #expect(try nginx.post("/webhook/open", "{}").hasPrefix("HTTP/1.1 502"))
        await nginx.stop()
    }

    private static func start(hosts: String = "hosts: [queue.example.org]\n") async throws -> (ServiceProcess, Nginx) {
        let scratch = try Scratch()
        let sources = """
            sources:
              - { id: open, connector: "@orgloop/connector-webhook" }
              - { id: deploys, connector: "@orgloop/connector-webhook", config: { secret: "it's a secret" } }

            """
        try scratch.write(hosts + sources, to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        return (service, try await Nginx.start(before: service))
    }

    private static func stop(_ service: ServiceProcess, _ nginx: Nginx) async {
        await nginx.stop()
        #expect(await service.stop() == 0)
    }

    /// What kinds of requests the service had, as far as it knew before this question.
    private static func routes(_ service: ServiceProcess) async throws -> Set<String> {
        let text = try await service.client().send("GET", "/metrics").text
        return Set(text.matches(of: /http_requests_total\{route="([a-z]+)"/).map { String($0.1) })
    }
}

extension Nginx {
    fileprivate func post(_ path: String, _ body: String, headers: String = "") throws -> String {
        try send("POST", path, headers: headers, body: body)
    }

    fileprivate func send(
        _ method: String, _ path: String, headers: String = "", body: String = "", host: String = "queue.example.org"
    ) throws -> String {
        let fields = "Host: \(host)\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\(headers)"
        return try PlainSocket.exchange(port: port, "\(method) \(path) HTTP/1.1\r\n\(fields)\r\n\(body)")
    }
}
