import EventQueue
import NIOCore
import Testing

/// A deadline is one for the whole head and one for the whole body, however often another byte comes.
@Suite(.timeLimit(.minutes(2))) struct DeadlineTests {
    private static let heads = [
        "POST /webhook/open", "POST /v1/consumers/orgloop/sources/open/poll", "GET /health", "GET /ready",
        "GET /metrics",
    ]
    /// A minute of single bytes: what begins anew with each of them is a request in the end, and is answered as one.
    private static let length = 12_000
    private static let many = String(repeating: "x", count: length - 2)
    private static let pause: Duration = .milliseconds(5)

    @Test(arguments: heads) func `a head that comes byte by byte is cut at its deadline`(begin: String) async throws {
        var limits = Limits.Settings()
        limits.headTimeout = .milliseconds(200)
        try await TestService.run(limits: limits) { service in
            let answer = try await RawConnection(port: service.port).dripping(
                "\(begin) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: \(Self.many)\r\n\r\n",
                pause: Self.pause)
            #expect(answer.isEmpty)
        }
    }

    @Test(arguments: ["Content-Length: 12000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2ee0\r\n"], [0, 1])
    func `a body that comes byte by byte is refused at its deadline`(end: String, route: Int) async throws {
        var limits = Limits.Settings()
        limits.headTimeout = .seconds(600)
        limits.bodyTimeout = .milliseconds(200)
        try await TestService.run(limits: limits) { service in
            let answer = try await RawConnection(port: service.port).dripping(
                "\"\(Self.many)\"\r\n0\r\n\r\n", pause: Self.pause,
                behind: "\(Self.heads[route]) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Authorization: Bearer test-token\r\n\(end)")
            #expect(answer.hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test(arguments: ["GET /health", "GET /ready", "GET /metrics", "GET /v1/status", "POST /webhook/nobody"])
    func `a body that nobody wants ends its connection`(begin: String) async throws {
        var limits = Limits.Settings()
        limits.headTimeout = .seconds(600)
        limits.bodyTimeout = .seconds(600)
        try await TestService.run(limits: limits) { service in
            let answer = try await RawConnection(port: service.port).dripping(
                Self.many, pause: Self.pause,
                behind: "\(begin) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12000\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 "))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test func `a rest between two requests ends at the head's deadline`() throws {
        let channel = try GuardedChannel(limits: Limits.Settings())
        try channel.ask()
        channel.answer()
        channel.advance(by: .seconds(4))
        #expect(channel.isActive)
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
    }
}
