import EventQueue
import EventQueueHTTP
import Testing

@Suite struct ImportCallTests {
    private static func line(_ number: Int, source: String = "claude-code") -> String {
        #"{"id":"evt_b\#(number)","timestamp":"2025-01-15T10:30:00.000Z","source":"\#(source)","#
            + #""type":"actor.stopped","provenance":{"platform":"claude-code"},"payload":{"n":\#(number)}}"#
    }

    private static func post(_ lines: [String], to service: TestService) async throws -> QueueClient.Reply {
        try await service.client.send(
            "POST", "/v1/import", body: Array(lines.joined(separator: "\n").utf8))
    }

    @Test func `good lines are stored together and bad ones reported by their line`() async throws {
        try await TestService.run { service in
            let lines = [Self.line(1), "", "nonsense", Self.line(2) + "\r", "{}", Self.line(1)]
            let reply = try await Self.post(lines, to: service)
            #expect(reply.status == 200)
            #expect(reply.json["lines"] as? Int == 5)
            #expect(reply.json["imported"] as? Int == 2)
            #expect(reply.json["present"] as? Int == 1)
            #expect(reply.json["thinned"] as? Int == 0)
            let rejected = try #require(reply.json["rejected"] as? [[String: Any]])
            #expect(rejected.map { $0["line"] as? Int } == [3, 5])
            #expect(rejected.map { $0["code"] as? String } == ["not_json", "not_an_event"])
            #expect(!reply.text.contains("nonsense"))
            let poll = try await service.call("poll", "{}", source: "claude-code")
            #expect((poll.json["events"] as? [Any])?.count == 2)
        }
    }

    @Test func `a conflict is reported among the rejected, in the order of the lines`() async throws {
        try await TestService.run { service in
            let other = Self.line(1).replacing(#""n":1"#, with: #""n":7"#)
            let reply = try await Self.post([Self.line(1), other, "x"], to: service)
            let rejected = try #require(reply.json["rejected"] as? [[String: Any]])
            #expect(rejected.map { $0["line"] as? Int } == [2, 3])
            #expect(rejected.map { $0["code"] as? String } == ["conflict", "not_json"])
            #expect((rejected[0]["detail"] as? String)?.contains("evt_b1") == true)
        }
    }

    @Test(arguments: ["", "\n\n", " \r\n"])
    func `a body without lines imports nothing`(body: String) async throws {
        try await TestService.run { service in
            let reply = try await service.client.send("POST", "/v1/import", body: Array(body.utf8))
            #expect(reply.text == #"{"lines":0,"imported":0,"present":0,"restored":0,"thinned":0,"rejected":[]}"#)
        }
    }

    @Test func `without the token, with GET and over the limit it is refused`() async throws {
        try await TestService.run { service in
            let stranger = try await service.stranger.send("POST", "/v1/import", body: Array(Self.line(1).utf8))
            #expect(stranger.status == 401)
            let get = try await service.client.send("GET", "/v1/import")
            #expect(get.status == 405)
            #expect(get.header("allow") == "POST")
            let long = [UInt8](repeating: 0x20, count: Limits.importBytesMax + 1)
            let large = try await service.client.send("POST", "/v1/import", body: long)
            #expect(large.status == 413)
            let most = try await service.client.send(
                "POST", "/v1/import", body: Array(long.dropLast()), timeout: Self.patience)
            #expect(most.status == 200)
        }
    }

    @Test func `the limit grows with the bodies that are taken in`() async throws {
        var limits = Limits.Settings()
        limits.bodyBytesMax = 3 << 20
        let body = [UInt8](repeating: 0x20, count: 9 << 20)
        try await TestService.run(limits: limits) { service in
            let reply = try await service.client.send("POST", "/v1/import", body: body, timeout: Self.patience)
            #expect(reply.status == 200)
        }
    }

    /// A debug build reads a megabyte in a second or two, and other tests want the processor, too.
    private static let patience: Duration = .seconds(120)

    @Test func `a store that fails is 503 and names why`() async throws {
        let failing = { FailingStore(store: $0, failure: .diskFull("full")) }
        try await TestService.run(wrap: failing) { service in
            let reply = try await Self.post([Self.line(1)], to: service)
            #expect(reply.status == 503)
            #expect(reply.code == "disk_full")
        }
    }
}
