import EventQueue
import Testing

@testable import EventQueueHTTP

/// Bytes that two programs could read as different requests get one refusal, and nothing behind them is looked at.
@Suite(.timeLimit(.minutes(2))) struct SmugglingTests {
    /// What is sent, and what it is answered.
    struct Attempt: Sendable, CustomTestStringConvertible {
        let name: String
        let status: Int
        let bytes: String

        var testDescription: String { name }

        init(_ name: String, _ status: Int, _ bytes: String) {
            (self.name, self.status, self.bytes) = (name, status, bytes)
        }

        /// A webhook with a head of its own.
        static func post(_ name: String, _ fields: String, _ body: String = "{}", status: Int = 400) -> Attempt {
            Attempt(name, status, "POST /webhook/deploys HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\r\n\(body)")
        }

        /// A question with a head of its own.
        static func get(_ name: String, _ line: String, _ fields: String = "", status: Int = 400) -> Attempt {
            Attempt(name, status, "\(line)\r\nHost: localhost\r\n\(fields)\r\n")
        }

        static func chunked(_ name: String, _ body: String) -> Attempt {
            post(name, "Transfer-Encoding: chunked", body)
        }
    }

    private static let long = String(repeating: "x", count: 20000)
    private static let chunk = "2\r\n{}\r\n0\r\n\r\n"

    static let lengths: [Attempt] = [
        .post("two lengths that differ", "Content-Length: 2\r\nContent-Length: 3"),
        .post("two lengths that agree", "Content-Length: 2\r\nContent-Length: 2"),
        .post("a list of lengths", "Content-Length: 2, 2"),
        .post("a negative length", "Content-Length: -1"),
        .post("a length with a sign", "Content-Length: +2"),
        .post("a hexadecimal length", "Content-Length: 0x2"),
        .post("no length in its place", "Content-Length: "),
        .post("a length in two words", "Content-Length: 1 2"),
        .post("a space before the colon", "Content-Length : 2"),
        .post("a length of 23 digits", "Content-Length: 99999999999999999999999"),
        .post("a length beyond 63 bits", "Content-Length: 9223372036854775808", status: 413),
        .post("a length of 64 bits", "Content-Length: 18446744073709551615", status: 413),
        .post("a length of 63 bits", "Content-Length: 9223372036854775807", status: 413),
    ]

    static let codings: [Attempt] = [
        .post("a length before chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked", chunk),
        .post("a length behind chunks", "Transfer-Encoding: chunked\r\nContent-Length: 2", chunk),
        .post("chunks and then identity", "Transfer-Encoding: chunked, identity", chunk),
        .post("identity and then chunks", "Transfer-Encoding: identity, chunked", chunk, status: 501),
        .post("compressed chunks", "Transfer-Encoding: gzip, chunked", chunk, status: 501),
        .post("identity", "Transfer-Encoding: identity", status: 501),
        .post("no coding in its place", "Transfer-Encoding: ", "GET /health HTTP/1.1\r\n\r\n", status: 501),
        .post("no coding beside a length", "Transfer-Encoding: \r\nContent-Length: 2", status: 501),
        .post("a coding that ends like one", "Transfer-Encoding: xchunked", chunk, status: 501),
        .post("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", chunk),
        .post("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunk),
        .post("a control character before it", "Transfer-Encoding: \u{B}chunked", chunk),
        .post("a folded coding", "Transfer-Encoding:\r\n chunked", chunk),
        Attempt(
            "chunks in HTTP/1.0", 400,
            "POST /webhook/deploys HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)"),
    ]

    static let chunks: [Attempt] = [
        .chunked("a size that is no number", "zz\r\n{}\r\n0\r\n\r\n"),
        .chunked("a negative size", "-2\r\n{}\r\n0\r\n\r\n"),
        .chunked("a size with a prefix", "0x2\r\n{}\r\n0\r\n\r\n"),
        .chunked("a size beyond 64 bits", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        .chunked("a chunk longer than its size", "1\r\n{}\r\n0\r\n\r\n"),
        .chunked("a size that ends with a bare line feed", "2\n{}\n0\n\n"),
        .chunked("an extension that ends with a bare line feed", "2;\n{}\r\n0\r\n\r\n"),
        .chunked("a trailer over the limit", "2\r\n{}\r\n0\r\nX: \(long)\r\n\r\n"),
    ]

    static let heads: [Attempt] = [
        .get("a folded field", "GET /health HTTP/1.1", "X: a\r\n b\r\n"),
        .get("a NUL in a value", "GET /health HTTP/1.1", "X: a\u{0}b\r\n"),
        .get("a NUL in a name", "GET /health HTTP/1.1", "X\u{0}: a\r\n"),
        .get("a carriage return in a value", "GET /health HTTP/1.1", "X: a\rb\r\n"),
        .get("a field without a colon", "GET /health HTTP/1.1", "XYZ\r\n"),
        .get("a field without a name", "GET /health HTTP/1.1", ": x\r\n"),
        .get("a name with a space", "GET /health HTTP/1.1", "X Y: x\r\n"),
        .get("a NUL in the target", "GET /health\u{0} HTTP/1.1"),
        .get("an absolute target", "GET http://localhost/health HTTP/1.1"),
        .get("an absolute target of another host", "GET http://evil.example/health HTTP/1.1"),
        .get("a target with some scheme", "GET x:/health HTTP/1.1"),
        .get("a tunnel", "CONNECT localhost:80 HTTP/1.1"),
        .get("a target for no path", "OPTIONS * HTTP/1.1"),
        .get("a method nobody knows", "NONSENSE /health HTTP/1.1"),
        .get("a field over the limit", "GET /health HTTP/1.1", "X: \(long)\r\n", status: 431),
        .get(
            "many fields over the limit", "GET /health HTTP/1.1", String(repeating: "X: abcdefgh\r\n", count: 101),
            status: 431),
        .get("a target over the limit", "GET /\(long) HTTP/1.1", status: 431),
        Attempt("lines that end with a line feed", 505, "GET /health HTTP/1.1\nHost: localhost\n\n"),
        Attempt("lines that end with a carriage return", 400, "GET /health HTTP/1.1\rHost: localhost\r\r"),
        Attempt("HTTP/0.9", 505, "GET /health\r\n\r\n"),
        .get("HTTP/1.2", "GET /health HTTP/1.2", status: 505),
        Attempt("the preface of HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}\u{0}\u{4}"),
        Attempt("the hello of TLS", 400, "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{3}\u{3}"),
    ]

    @Test(arguments: lengths + codings + chunks + heads)
    func `what is read in two ways is refused once and closes the connection`(attempt: Attempt) async throws {
        try await TestService.run { service in
            let smuggled = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let answer = try await RawConnection.exchange(port: service.port, attempt.bytes + smuggled)
            #expect(answer.hasPrefix("HTTP/1.1 \(attempt.status) "))
            #expect(answer.ranges(of: "HTTP/1.1 ").count == 1, "what followed was answered as well")
            #expect(answer.contains(#"{"error":""#), "the reason is not told")
            let sources = try await service.store.status().sources
            #expect(sources.allSatisfy { $0.events == 0 && $0.quarantined == 0 })
        }
    }

    @Test func `a broken head behind good requests is refused when those are answered`() async throws {
        try await TestService.run { service in
            let good = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let answer = try await RawConnection.exchange(port: service.port, good + good + "NONSENSE\r\n\r\n" + good)
            let statuses = answer.ranges(of: "HTTP/1.1 ").map { String(answer[$0.upperBound...].prefix(3)) }
            #expect(statuses == ["200", "200", "400"])
        }
    }

    @Test(arguments: ["/v1/replays", "/v1/prune", "/v1/import", "/v1/status", "/health", "/metrics", "/webhook/open"])
    func `an encoded body is refused on every path`(path: String) async throws {
        try await TestService.run { service in
            let method = Route(target: path).methods.contains("POST") ? "POST" : "GET"
            let answer = try await RawConnection.exchange(
                port: service.port,
                "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-token\r\n"
                    + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
            #expect(answer.hasPrefix("HTTP/1.1 415"))
        }
    }

    @Test(arguments: [
        "POST /webhook/nobody HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Length: 2\r\n\r\n{}",
        "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ])
    func `what is asked behind the last answer of a connection is not carried out`(first: String) async throws {
        try await TestService.run { service in
            let second = "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
            let answer = try await RawConnection.exchange(port: service.port, first + second)
            #expect(answer.ranges(of: "HTTP/1.1 ").count == 1)
            let sources = try await service.store.status().sources
            #expect(sources.allSatisfy { $0.events == 0 })
        }
    }

    @Test(arguments: [" HTTP/1.0\r\n", " HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"])
    func `a client that cannot send more is told that its answer is the last`(end: String) async throws {
        var limits = Limits.Settings()
        limits.headTimeout = .seconds(60)
        try await TestService.run(limits: limits) { service in
            let answer = try await RawConnection.exchange(
                port: service.port,
                "POST /webhook/deploys\(end)Host: localhost\r\nContent-Length: 2\r\n\r\n{}")
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }
}
