import EventQueue
import NIOCore
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// When all places are taken by peers that stall, the next one gets in; and nobody's request is cut for that.
@Suite(.timeLimit(.minutes(2))) struct RoomTests {
    /// With deadlines so long that nobody gets in by them.
    private static func limits(connections: Int) -> Limits.Settings {
        var limits = Limits.Settings()
        limits.connectionsMax = connections
        limits.headTimeout = .seconds(600)
        limits.bodyTimeout = .seconds(600)
        return limits
    }

    @Test(arguments: [
        "", "GET /hea", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
        "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{",
    ])
    func `peers that stall give way to the next, the oldest first`(text: String) async throws {
        let sockets = HeldSockets()
        try await TestService.run(limits: Self.limits(connections: 4)) { service in
            for _ in 1...12 { sockets.hold(try await RawConnection(port: service.port), sending: text) }
            #expect(try await service.deploy(1).hasPrefix("evt_"))
            let sources = try await service.store.status().sources
            #expect(sources.map(\.events).reduce(0, +) == 1, "half a request was stored")
            await sockets.release()
        }
    }

    @Test func `peers that do not read their answers give way after a second`() async throws {
        let sockets = HeldSockets()
        try await TestService.run(limits: Self.limits(connections: 4)) { service in
            let large = String(repeating: "x", count: 1_000_000)
            for number in 1...9 { _ = try await service.post("deploys", #"{"n":\#(number),"x":"\#(large)"}"#) }
            for _ in 1...6 {
                sockets.hold(try await RawConnection(port: service.port), sending: TestService.rawPoll("{}"))
            }
            let began = ContinuousClock.now
            #expect(try await service.stranger.send("GET", "/health", timeout: .seconds(25)).status == 200)
            // Of the 30 s that an answer may take when nobody waits; the machine may be busy.
            #expect(ContinuousClock.now - began < .seconds(20))
            await sockets.release()
        }
    }

    @Test func `a poll that waits and a request that is carried out are never cut for others`() async throws {
        let sockets = HeldSockets()
        try await TestService.run(limits: Self.limits(connections: 4)) { service in
            async let first = service.call("poll", #"{"wait_ms":20000}"#, timeout: .seconds(30))
            async let second = service.call("poll", #"{"wait_ms":20000}"#, source: "open", timeout: .seconds(30))
            try await service.untilPolled()
            while try await service.store.status().sources.filter({ !$0.cursors.isEmpty }).count < 2 {
                await Task.yield()
            }
            for _ in 1...20 { sockets.hold(try await RawConnection(port: service.port), sending: "GET /hea") }
            let id = try await service.deploy(1)
            #expect(try await first.text.contains(id))
            #expect(try await service.post("open", TestService.session).status == 200)
            #expect(try await second.text.contains("evt_"))
            await sockets.release()
        }
    }

    @Test func `while places are short an answer is the last of its connection, except for who came last`() async throws
    {
        let question = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try await TestService.run(limits: Self.limits(connections: 2)) { service in
            try await RawConnection(port: service.port).conversing {
                (first: inout RawConnection.Conversation) async throws -> Void in
                #expect(try await first.status(of: question) == 200)
                #expect(try await first.status(of: question) == 200, "there was a place left")
                try await RawConnection(port: service.port).conversing {
                    (second: inout RawConnection.Conversation) async throws -> Void in
                    #expect(try await second.status(of: question) == 200)
                    #expect(try await second.status(of: question) == 200)
                }
                let status = try? await first.status(of: question)
                #expect(status == nil, "it was in the way of the next")
            }
        }
    }

    @Test func `an answer that its peer does not begin to read has a deadline, too`() throws {
        let channel = try GuardedChannel(limits: Limits.Settings())
        try channel.ask()
        // The rest of a large answer is written when the peer has taken its begin.
        channel.beginAnswer()
        channel.advance(by: .seconds(29))
        #expect(channel.isActive)
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test func `while places are short the answer to whoever came before says that it is the last`() throws {
        var limits = Limits.Settings()
        limits.connectionsMax = 1
        let connections = GuardedChannel.connections(limits)
        let channel = try GuardedChannel(limits: limits, connections: connections)
        try channel.ask()
        let other = try GuardedChannel(limits: limits, connections: connections)
        defer { other.close() }
        #expect(try channel.answerHead()["connection"] == ["close"])
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test func `whoever asks on without taking its answers is not waited for longer than others`() throws {
        let channel = try GuardedChannel(limits: Limits.Settings())
        try channel.ask()
        channel.beginAnswer()
        for _ in 1...29 {
            channel.advance(by: .seconds(1))
            // Nothing of it is written, as in a socket that is full.
            try channel.ask()
        }
        #expect(channel.isActive)
        channel.advance(by: .seconds(1))
        #expect(!channel.isActive)
    }

    /// A peer that asked twice, took nothing for `seconds` and then took its first answer.
    private static func takingAgain(after seconds: Int64, _ limits: Limits.Settings, _ connections: Connections) throws
        -> GuardedChannel
    {
        let channel = try GuardedChannel(limits: limits, connections: connections)
        try channel.ask()
        channel.beginAnswer()
        channel.endAnswer()
        try channel.ask()
        channel.beginAnswer()
        channel.advance(by: .seconds(seconds))
        channel.take()
        return channel
    }

    @Test func `a peer that takes its answers again has its time anew`() throws {
        let limits = Limits.Settings()
        let channel = try Self.takingAgain(after: 29, limits, GuardedChannel.connections(limits))
        channel.advance(by: .seconds(29))
        #expect(channel.isActive)
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test func `a peer that takes its answers again is not cut for others`() throws {
        let limits = Self.limits(connections: 2)
        let connections = GuardedChannel.connections(limits)
        let channel = try Self.takingAgain(after: 2, limits, connections)
        let other = try GuardedChannel(limits: limits, connections: connections)
        defer { other.close() }
        channel.advance(by: .zero)
        #expect(channel.isActive)
        // It had its chance: who takes nothing for a while once more is in the way.
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test func `bodies that are promised and do not come keep nobody out`() async throws {
        let sockets = HeldSockets()
        var limits = Self.limits(connections: 64)
        limits.inFlightBytesMax = 2 * limits.bodyBytesMax
        try await TestService.run(limits: limits) { service in
            for begin in ["Content-Length: 1048576\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
                for _ in 1...4 {
                    sockets.hold(
                        try await RawConnection(port: service.port),
                        sending: "POST /webhook/open HTTP/1.1\r\nHost: localhost\r\n\(begin)")
                }
            }
            while try await Exposition(service.stranger.send("GET", "/metrics").text).value("in_flight_bytes") != 8 {
                await Task.yield()
            }
            #expect(try await service.deploy(1).hasPrefix("evt_"))
            await sockets.release()
        }
    }
}
