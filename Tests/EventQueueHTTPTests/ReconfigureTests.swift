import EventQueue
import Foundation
import Testing

@testable import EventQueueHTTP

/// What a running server takes over without closing a connection.
@Suite(.timeLimit(.minutes(2))) struct ReconfigureTests {
    @Test func `a kept connection meets new secrets and bounds with its next request`() async throws {
        try await TestService.run { service in
            try await RawConnection(port: service.port).conversing { connection in
                let old = Self.webhook("claude-code", TestService.session, key: TestService.secret)
                let new = Self.webhook("claude-code", TestService.session, key: "another secret")
                #expect(try await connection.status(of: old) == 200)
                #expect(try await connection.status(of: new) == 401)
                try Self.reconfigure(service, secrets: ["another secret", TestService.secret])
                #expect(try await connection.status(of: old) == 200)
                #expect(try await connection.status(of: new) == 200)
                try Self.reconfigure(service, secrets: ["another secret"])
                #expect(try await connection.status(of: old) == 401)
                #expect(try await connection.status(of: new) == 200)
                var limits = Limits.Settings()
                limits.bodyBytesMax = TestService.session.utf8.count - 1
                try Self.reconfigure(service, secrets: ["another secret"], limits: limits)
                // The body is not read any more, so this is the connection's last answer.
                #expect(try await connection.status(of: new) == 413)
            }
        }
    }

    @Test func `a source that is gone is unknown, and its events are still handed over`() async throws {
        try await TestService.run { service in
            let event = try await service.deploy(1)
            try Self.reconfigure(service, secrets: [TestService.secret])
            #expect(try await service.post("deploys", "{}").status == 404)
            let polled = try await service.call("poll", #"{"checkpoint":null}"#)
            #expect(polled.text.contains(event))
        }
    }

    @Test func `hosts are let in and kept out from the next request on`() async throws {
        let health = "GET /health HTTP/1.1\r\nHost: queue.example\r\n\r\n"
        try await TestService.run { service in
            #expect(try await RawConnection(port: service.port).conversing { try await $0.status(of: health) } == 421)
            try Self.reconfigure(service, secrets: [TestService.secret], hosts: ["queue.example"])
            #expect(try await RawConnection(port: service.port).conversing { try await $0.status(of: health) } == 200)
            try Self.reconfigure(service, secrets: [TestService.secret])
            #expect(try await RawConnection(port: service.port).conversing { try await $0.status(of: health) } == 421)
        }
    }

    @Test func `a new bound of heads holds for new connections`() async throws {
        let long = "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: \(String(repeating: "a", count: 4000))\r\n\r\n"
        try await TestService.run { service in
            #expect(try await RawConnection(port: service.port).conversing { try await $0.status(of: long) } == 200)
            var limits = Limits.Settings()
            limits.headerBytesMax = 1024
            try Self.reconfigure(service, secrets: [TestService.secret], limits: limits)
            let answer = try await RawConnection.exchange(port: service.port, long)
            #expect(!answer.hasPrefix("HTTP/1.1 200"))
            try Self.reconfigure(service, secrets: [TestService.secret])
            #expect(try await RawConnection(port: service.port).conversing { try await $0.status(of: long) } == 200)
        }
    }

    @Test func `a lower limit of connections keeps the next one waiting for the end of another`() async throws {
        let kept = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try await TestService.run { service in
            var limits = Limits.Settings()
            limits.connectionsMax = 1
            try Self.reconfigure(service, secrets: [TestService.secret], limits: limits)
            let answered = Current(false)
            let second = try await RawConnection(port: service.port).conversing {
                (first: inout RawConnection.Conversation) async throws -> Task<Int, any Error> in
                #expect(try await first.status(of: kept) == 200)
                let second = Task {
                    let status = try await RawConnection(port: service.port).conversing {
                        try await $0.status(of: kept)
                    }
                    answered.replace(with: true)
                    return status
                }
                for _ in 0..<20 { #expect(try await first.status(of: kept) == 200) }
                #expect(!answered.value)
                return second
            }
            #expect(try await second.value == 200)
        }
    }

    @Test func `the memory of bodies grows and shrinks under those that hold some of it`() {
        let budget = ByteBudget(bytes: 10)
        #expect(budget.reserve(8))
        #expect(!budget.reserve(3))
        budget.resize(to: 11)
        #expect(budget.reserve(3))
        budget.resize(to: 5)
        budget.release(3)
        #expect(!budget.reserve(1), "8 are taken of 5")
        budget.release(8)
        #expect(budget.reserve(5))
    }

    private static func reconfigure(
        _ service: TestService, secrets: [String], hosts: [String] = [], limits: Limits.Settings = .init()
    ) throws {
        let source = Source(
            id: try #require(Source.ID("claude-code")), kind: .claudeCode(.sessionExited),
            verifier: Verifier(scheme: .hub, secrets: try secrets.map { try #require(Secret($0)) }))
        service.server.reconfigure(
            .init(host: "127.0.0.1", port: 0, hosts: hosts, limits: limits), sources: [source])
    }

    private static func webhook(_ source: String, _ body: String, key: String) -> String {
        let signature = TestService.signature(of: body, key: key)
        return "POST /webhook/\(source) HTTP/1.1\r\nHost: localhost\r\n\(signature.name): \(signature.value)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

/// The call that has the configuration read again, and what others tell of it.
@Suite(.timeLimit(.minutes(2))) struct ReloadCallTests {
    private static let at = Timestamp(milliseconds: 1_700_000_000_000)

    @Test func `an order is answered with what changed, once it is carried out`() async throws {
        try await TestService.run { service in
            let report = Reloads.Report(
                at: Self.at, result: .applied(changes: ["source a: added"]), needsRestart: ["listen from a to b"])
            try await Self.serving([report], service.reloads) {
                let reply = try await service.client.send("POST", "/v1/reload")
                #expect(reply.status == 200)
                #expect(reply.json["changes"] as? [String] == ["source a: added"])
                #expect(reply.json["needs_restart"] as? [String] == ["listen from a to b"])
                let standing = try await Self.standing(service)
                #expect(standing["loaded_at"] as? String == Self.at.iso8601)
                #expect(standing["refused"] is NSNull)
            }
        }
    }

    @Test func `a refusal keeps what held, and is told by every voice until a file is taken`() async throws {
        try await TestService.run { service in
            let refused = Reloads.Report(
                at: Self.at, result: .refused(problems: ["q.yaml:1:1: one", "q.yaml:2:1: two"]))
            let applied = Reloads.Report(at: Self.at, result: .applied(changes: []))
            try await Self.serving([refused, applied], service.reloads) {
                let reply = try await service.client.send("POST", "/v1/reload")
                #expect(reply.status == 422)
                #expect(reply.code == "configuration_invalid")
                #expect(reply.json["problems"] as? [String] == ["q.yaml:1:1: one", "q.yaml:2:1: two"])
                let standing = try await Self.standing(service)
                #expect(standing["refused"] as? [String] == ["q.yaml:1:1: one", "q.yaml:2:1: two"])
                #expect(standing["loaded_at"] as? String != Self.at.iso8601)
                #expect(try await Self.gauge(service) == "0")
                #expect(try await service.client.send("POST", "/v1/reload").status == 200)
                #expect(try await Self.standing(service)["refused"] is NSNull)
                #expect(try await Self.gauge(service) == "1")
            }
        }
    }

    @Test func `what the store cannot take now is to be tried again`() async throws {
        try await TestService.run { service in
            let report = Reloads.Report(at: Self.at, result: .putOff(reason: "The disk is full."))
            try await Self.serving([report], service.reloads) {
                let reply = try await service.client.send("POST", "/v1/reload")
                #expect(reply.status == 503)
                #expect(reply.code == "configuration_put_off")
                #expect(reply.header("Retry-After") == "5")
            }
        }
    }

    @Test func `an order that comes while one is carried out waits for the next, and many become one`() async {
        func report(_ change: String) -> Reloads.Report {
            Reloads.Report(at: Self.at, result: .applied(changes: [change]))
        }
        let reloads = Reloads(file: nil, loadedAt: Self.at)
        var orders = reloads.orders.makeAsyncIterator()
        let first = Task { await reloads.orderAndWait() }
        await orders.next()
        var late: Task<Reloads.Report?, Never>?
        await reloads.carryOut {
            late = Task { await reloads.orderAndWait() }
            await orders.next()
            return (report("first"), ())
        }
        #expect(await first.value == report("first"))
        for _ in 0..<1000 { reloads.order() }
        await orders.next()
        await reloads.carryOut { (report("second"), ()) }
        let second = await late?.value
        #expect(second == report("second"))
        reloads.shut()
        let more: Void? = await orders.next()
        #expect(more == nil, "a thousand orders were more than one")
        let unanswered = await reloads.orderAndWait()
        #expect(unanswered == nil, "nobody is going to carry it out")
    }

    @Test func `the call needs the token and the right method, and takes no member`() async throws {
        try await TestService.run { service in
            #expect(try await service.stranger.send("POST", "/v1/reload").status == 401)
            #expect(try await service.client.send("GET", "/v1/reload").status == 405)
            let reply = try await service.client.send("POST", "/v1/reload", body: Array(#"{"file":"x"}"#.utf8))
            #expect(reply.status == 400)
        }
    }

    /// Answers the orders with `reports`, one each, while `body` runs.
    private static func serving(
        _ reports: [Reloads.Report], _ reloads: Reloads, _ body: () async throws -> Void
    ) async throws {
        let server = Task {
            var left = reports
            for await _ in reloads.orders where !left.isEmpty {
                let report = left.removeFirst()
                await reloads.carryOut { (report, ()) }
            }
        }
        defer { server.cancel() }
        try await body()
    }

    private static func standing(_ service: TestService) async throws -> [String: Any] {
        try #require(try await service.client.send("GET", "/v1/status").json["configuration"] as? [String: Any])
    }

    private static func gauge(_ service: TestService) async throws -> String? {
        let name = "orgloop_queue_config_last_reload_successful "
        return try await service.stranger.send("GET", "/metrics").text.split(separator: "\n")
            .first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
    }
}
