import EventQueue
import NIOCore
import Testing

@testable import OrgLoopQueueCommand

/// What the load generator writes and how it reads answers, without a connection.
@Suite struct LoadTests {
    // MARK: Requests

    @Test func `bodies are 300 bytes long, never the same, and become events`() throws {
        var bodies = SessionBodies()
        let made = (0..<1000).map { _ in bodies.next() }
        #expect(made.allSatisfy { $0.count == 300 })
        #expect(Set(made).count == 1000)
        let source = Source(
            id: try #require(Source.ID("claude-code")), kind: .claudeCode(.sessionExited),
            verifier: Verifier(scheme: .none, secrets: []))
        let id = try #require(Event.ID("evt_1"))
        let request = Request(body: made[0], headers: Headers(signature: nil), receivedAt: .now())
        #expect(try source.normalise(try source.verifier.verify(request), id: id).platformEvent == "session.exited")
    }

    @Test func `two series of bodies differ`() {
        var (one, other) = (SessionBodies(series: 1), SessionBodies(series: 2))
        #expect(one.next() != other.next())
    }

    @Test func `a pool has as many requests as were asked for, one after the other`() throws {
        var bodies = SessionBodies()
        let form = SignedRequestForm(host: "h:1", source: "s", secret: "k")
        let pool = RequestPool(5, of: form, bodies: &bodies)
        let dialogues = pool.dialogues(3)
        let requests = (0..<5).compactMap { dialogues[$0 % 3].next().map { String(buffer: $0) } }
        #expect(Set(requests).count == 5)
        #expect(requests.allSatisfy { $0.hasPrefix("POST /webhook/s HTTP/1.1\r\nHost: h:1\r\n") })
        #expect(dialogues.allSatisfy { $0.next() == nil })
        #expect(RequestPool(0, of: form, bodies: &bodies).dialogues(1)[0].next() == nil)
    }

    @Test func `a request is signed as its source wants it`() throws {
        var bodies = SessionBodies()
        let form = SignedRequestForm(host: "h", source: "s", secret: "s3cret")
        let body = bodies.next()
        let verifier = Verifier(scheme: .hub, secrets: [try #require(Secret("s3cret"))])
        let signature = "sha256=" + String(decoding: form.signature(of: body), as: UTF8.self)
        let request = Request(body: body, headers: Headers(signature: signature), receivedAt: .now())
        #expect(throws: Never.self) { try verifier.verify(request) }
        var written = ByteBuffer()
        form.write(body, to: &written)
        #expect(String(buffer: written).contains("\r\nX-Hub-Signature-256: \(signature)\r\n\r\n"))
    }

    @Test func `an entry of a stream is one command of Redis`() {
        var written = ByteBuffer()
        RedisRequestForm().write(Array("abc".utf8), to: &written)
        #expect(
            String(buffer: written)
                == "*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nb\r\n$3\r\nabc\r\n")
    }

    @Test(
        arguments: [
            (LoadPlan.Limit.requests(7), 7), (.duration(.seconds(2)), 2000), (.duration(.milliseconds(1)), 16),
            (.duration(.seconds(3600)), 1_000_000),
        ] as [(LoadPlan.Limit, Int)])
    func `enough requests are written down beforehand`(_ limit: LoadPlan.Limit, _ count: Int) {
        #expect(LoadPlan(connections: 8, limit: limit).requests(rateMax: 1000) == count)
    }

    // MARK: Answers

    @Test func `an answer is taken when it is whole, wherever it was cut`() throws {
        let text = "HTTP/1.1 200 OK\r\nX: y\r\ncontent-LENGTH: 5\r\n\r\nhello"
        for cut in 0..<text.utf8.count {
            var buffer = ByteBuffer(bytes: text.utf8.prefix(cut))
            #expect(try HTTPFraming().next(from: &buffer) == nil)
            #expect(buffer.readableBytes == cut)
            buffer.writeBytes(text.utf8.dropFirst(cut))
            buffer.writeString("more")
            let answer = try #require(try HTTPFraming().next(from: &buffer))
            #expect(answer.problem == nil)
            #expect(String(buffer: answer.body) == "hello")
            #expect(String(buffer: buffer) == "more")
        }
    }

    @Test func `another status is quoted`() throws {
        var buffer = ByteBuffer(string: "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nwho")
        #expect(try HTTPFraming().next(from: &buffer)?.problem == "401 who")
    }

    @Test(arguments: [
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    ])
    func `what is no answer is refused`(_ text: String) {
        var buffer = ByteBuffer(string: text)
        #expect(throws: FramingFailure.self) { try HTTPFraming().next(from: &buffer) }
    }

    @Test func `an answer without end is refused`() {
        var buffer = ByteBuffer(repeating: UInt8(ascii: "x"), count: 20_000)
        #expect(throws: FramingFailure.self) { try HTTPFraming().next(from: &buffer) }
        #expect(throws: FramingFailure.self) { try RedisFraming().next(from: &buffer) }
    }

    @Test func `replies of Redis are taken one by one`() throws {
        let text = "$3\r\n1-0\r\n-ERR no\r\n"
        for cut in 0..<9 {
            var buffer = ByteBuffer(bytes: text.utf8.prefix(cut))
            #expect(try RedisFraming().next(from: &buffer) == nil)
            buffer.writeBytes(text.utf8.dropFirst(cut))
            #expect(try RedisFraming().next(from: &buffer) == LoadAnswer(problem: nil, body: ByteBuffer(string: "1-0")))
            #expect(try RedisFraming().next(from: &buffer)?.problem == "-ERR no")
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test func `the answer to a poll is read without parsing it`() {
        let answer = """
            {"events":[{"id":"evt_0123456789abcdef","payload":{"checkpoint":"no"}},{"id":"evt_0123456789abcdf0"}],\
            "checkpoint":"cp_1","resent":false}
            """
        let scan = HandoverScan(ByteBuffer(string: answer))
        #expect(scan.ids == [0x0123_4567_89AB_CDEF, 0x0123_4567_89AB_CDF0])
        #expect(scan.checkpoint == "cp_1")
        let empty = HandoverScan(ByteBuffer(string: #"{"events":[],"checkpoint":null,"resent":false}"#))
        #expect(empty.ids.isEmpty && empty.checkpoint == nil)
    }

    @Test(
        arguments: [
            ("abc", "", []), ("abc", "ab", []), ("abc", "abc", [0]), ("abc", "abxabcabcab", [3, 6]),
            ("aa", "aaaaa", [0, 2]),
            ("a", "bab", [1]),
        ] as [(String, String, [Int])])
    func `a pattern is found wherever it is`(_ pattern: String, _ text: String, _ positions: [Int]) {
        let found = Array(text.utf8).withUnsafeBytes { BytePattern(pattern).positions(in: $0) }
        #expect(found == positions)
    }

    @Test(arguments: [(PollProgress.Order.rising, [3, 1]), (.any, [3, 2])] as [(PollProgress.Order, [Int])])
    func `an event that comes twice, or out of its turn where there is one, is told`(
        _ order: PollProgress.Order, _ wrong: [Int]
    ) {
        let progress = PollProgress(order)
        func take(_ number: Int) -> String? {
            let id = "000000000000000\(number)"
            return progress.take(
                HandoverScan(ByteBuffer(string: #"{"events":[{"id":"evt_\#(id)"}],"checkpoint":"c"}"#))
            )
            .problem
        }
        #expect(take(2) == nil)
        #expect(take(3) == nil)
        for number in wrong { #expect(take(number)?.hasSuffix("evt_\(number)") == true) }
        #expect(progress.saved.events == 2)
        #expect(progress.checkpoint == "c")
    }

    private struct Headers: HeaderLookup {
        let signature: String?

        func values(of name: String) -> [String] {
            name == "x-hub-signature-256" ? [signature].compactMap(\.self) : []
        }
    }
}
