import EventQueue
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EventQueueHTTP

/// What a connection does with senders' requests, step by step.
@Suite struct WebhookHandlerTests {
    @Test func `a body in parts is stored when its last part is there, and answered when it is committed`() throws {
        let channel = try WebhookChannel()
        try channel.begin(length: 10)
        try channel.add(#"{"a""#)
        try channel.add(": 12}")
        #expect(channel.held.bodies.isEmpty)
        try channel.add("\n")
        try channel.end()
        #expect(channel.held.bodies == ["{\"a\": 12}\n"])
        #expect(try channel.answers().isEmpty)
        #expect(channel.budget.bytesTaken == 10)
        channel.held.commit()
        let answers = try channel.answers()
        #expect(answers.count == 1)
        #expect(answers.first?.hasPrefix(#"200 {"ok":true,"event_id":"evt_"#) == true)
        #expect(channel.budget.bytesTaken == 0)
        #expect(channel.passed.isEmpty)
        channel.close()
    }

    @Test func `an event that the store does not take is answered by its trouble`() throws {
        let channel = try WebhookChannel()
        try channel.ask("{}")
        channel.held.fail(.diskFull("full"))
        #expect(try channel.answers() == [#"503 {"error":"Disk full","code":"disk_full"}"#])
        #expect(channel.budget.bytesTaken == 0)
        channel.close()
    }

    @Test func `a body that is cut in the middle is not stored, and gives its room back`() throws {
        let channel = try WebhookChannel()
        try channel.begin(length: 10)
        try channel.add("{}")
        #expect(channel.budget.bytesTaken == 2)
        channel.close()
        #expect(channel.budget.bytesTaken == 0)
        #expect(channel.held.bodies.isEmpty)
    }

    @Test(arguments: ["/webhook/open", "/health"])
    func `what came with a request whose peer is gone is not carried out`(first: String) throws {
        let channel = try WebhookChannel(cutsWhenInvited: true)
        try channel.begin(.POST, first, length: 2, expecting: true)
        #expect(!channel.isActive)
        try channel.add("{}")
        try channel.end()
        try channel.ask("{}")
        channel.close()
        #expect(channel.held.bodies.isEmpty)
        #expect(channel.passed.isEmpty)
        #expect(channel.budget.bytesTaken == 0)
    }

    @Test func `a body whose end is not where it should be is refused, and nothing of it goes on`() throws {
        let channel = try WebhookChannel()
        try channel.begin()
        try channel.add("{}")
        channel.fail(HTTPParserError.invalidEOFState)
        channel.fail(HTTPParserError.invalidEOFState)
        let answers = try channel.answers()
        #expect(answers.map { $0.prefix(13) } == ["400 and close"])
        #expect(channel.budget.bytesTaken == 0)
        #expect(channel.held.bodies.isEmpty)
        #expect(channel.passed.isEmpty)
        channel.close()
    }

    @Test func `a broken body is refused although there is more behind what is broken`() throws {
        let channel = try WebhookChannel()
        try channel.begin()
        channel.fail(HTTPParserError.invalidChunkSize)
        channel.fail(ByteToMessageDecoderError.dataReceivedInErrorState(HTTPParserError.invalidChunkSize, ByteBuffer()))
        #expect(channel.passed.isEmpty)
        #expect(try channel.answers().map { $0.prefix(13) } == ["400 and close"])
        channel.close()
    }

    @Test func `a body that does not come in time is refused, and what comes too late is not looked at`() throws {
        let channel = try WebhookChannel()
        try channel.begin(length: 4)
        try channel.add("{}")
        channel.advance(by: .seconds(9))
        #expect(try channel.answers().isEmpty)
        channel.advance(by: .seconds(2))
        #expect(try channel.answers().map { $0.prefix(13) } == ["408 and close"])
        try channel.add("  ")
        try channel.end()
        #expect(channel.held.bodies.isEmpty)
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
        channel.close()
    }

    @Test func `a body for which there is no room is refused before it is there`() throws {
        let channel = try WebhookChannel()
        try channel.begin(length: 1001)
        try channel.add(String(repeating: " ", count: 600))
        #expect(try channel.answers().isEmpty)
        try channel.add(String(repeating: " ", count: 401))
        #expect(try channel.answers().map { $0.prefix(13) } == ["503 and close"])
        #expect(channel.budget.bytesTaken == 0)
        channel.close()
    }

    @Test func `a commit whose sender is gone is told to nobody, and harms nobody`() throws {
        let channel = try WebhookChannel()
        try channel.ask("{}")
        channel.close()
        #expect(channel.budget.bytesTaken == 2)
        channel.held.commit()
        #expect(try channel.answers().isEmpty)
        #expect(channel.budget.bytesTaken == 0)
    }

    @Test func `requests that come at once are carried out one after the other`() throws {
        let channel = try WebhookChannel()
        for number in 1...3 { try channel.ask("{\"n\":\(number)}") }
        for number in 1...3 {
            #expect(channel.held.bodies == ["{\"n\":\(number)}"])
            channel.held.commit()
            #expect(try channel.answers().count == 1)
        }
        #expect(channel.held.bodies.isEmpty)
        channel.close()
    }

    @Test func `requests of senders and of others are answered in the order in which they came`() throws {
        let channel = try WebhookChannel()
        try channel.begin(.GET, "/health")
        try channel.end()
        try channel.ask("{}")
        try channel.begin(.POST, "/v1/prune", length: 2)
        try channel.add("[]")
        try channel.end()
        #expect(channel.passed == ["GET /health", "end"])
        #expect(channel.held.bodies.isEmpty)
        channel.answerBehind()
        #expect(channel.held.bodies == ["{}"])
        #expect(channel.passed.count == 2)
        channel.held.commit()
        #expect(try channel.answers().map { $0.prefix(3) } == ["204", "200"])
        #expect(channel.passed == ["GET /health", "end", "POST /v1/prune", "[]", "end"])
        channel.answerBehind()
        #expect(try channel.answers() == ["204"])
        channel.close()
    }

    @Test func `ten thousand refused requests at once are not answered one within the other`() throws {
        let channel = try WebhookChannel()
        for _ in 1...10_000 { try channel.askWrongly() }
        var count = 0
        while case let answers = try channel.answers(), !answers.isEmpty { count += answers.count }
        #expect(count == 10_000)
        channel.close()
    }

    @Test func `a connection that is to end gives the answer that is owed, says so and ends`() throws {
        let channel = try WebhookChannel()
        try channel.ask("{}")
        channel.tell(ChannelShouldQuiesceEvent())
        #expect(channel.isActive)
        #expect(channel.passed.isEmpty)
        channel.held.commit()
        #expect(try channel.answers().map { $0.prefix(13) } == ["200 and close"])
        channel.advance(by: .seconds(2))
        #expect(!channel.isActive)
        channel.close()
    }

    @Test func `what waits behind a request is not carried out when the connection is to end`() throws {
        let channel = try WebhookChannel()
        try channel.begin(.GET, "/health")
        try channel.end()
        try channel.ask("{}")
        channel.tell(ChannelShouldQuiesceEvent())
        #expect(channel.passed == ["GET /health", "end", "quiesce"])
        channel.answerBehind()
        #expect(channel.held.bodies.isEmpty)
        #expect(try channel.answers() == ["204 and close"])
        channel.close()
    }

    @Test func `a connection that owes nothing hears at once that it is to end`() throws {
        let channel = try WebhookChannel()
        try channel.ask("{}")
        channel.held.commit()
        #expect(try channel.answers().count == 1)
        channel.tell(ChannelShouldQuiesceEvent())
        #expect(channel.passed == ["quiesce"])
        channel.close()
    }

    @Test func `those behind hear that a peer sends no more when it is answered, for they would close`() throws {
        let channel = try WebhookChannel()
        try channel.ask("{}")
        channel.tell(ChannelEvent.inputClosed)
        #expect(channel.passed.isEmpty)
        channel.held.commit()
        #expect(try channel.answers().map { $0.prefix(8) } == [#"200 {"ok"#])
        #expect(channel.passed == ["\(ChannelEvent.inputClosed)"])
        channel.close()
    }

    @Test func `those behind do not hear that a peer sends no more before their own answer is written`() throws {
        let channel = try WebhookChannel()
        try channel.begin(.GET, "/health")
        try channel.end()
        channel.tell(ChannelEvent.inputClosed)
        #expect(channel.passed == ["GET /health", "end"])
        channel.answerBehind()
        #expect(try channel.answers() == ["204"])
        #expect(channel.passed == ["GET /health", "end", "\(ChannelEvent.inputClosed)"])
        channel.close()
    }

    @Test func `what is broken behind a request is told when that is answered, and ends the connection`() throws {
        let channel = try WebhookChannel()
        try channel.ask("{}")
        channel.fail(HTTPParserError.invalidVersion)
        channel.fail(HTTPParserError.invalidVersion)
        channel.fail(ByteToMessageDecoderError.dataReceivedInErrorState(HTTPParserError.invalidVersion, ByteBuffer()))
        #expect(channel.passed.isEmpty)
        #expect(try channel.answers().isEmpty)
        channel.held.commit()
        #expect(try channel.answers().map { $0.prefix(13) } == ["200 {\"ok\":tru", "505 and close"])
        channel.close()
    }

    @Test func `what a peer asked before its input ended is answered before those behind hear of that`() throws {
        let channel = try WebhookChannel()
        for number in 1...3 { try channel.ask("{\"n\":\(number)}") }
        channel.tell(ChannelEvent.inputClosed)
        for _ in 1...3 {
            #expect(channel.passed.isEmpty)
            channel.held.commit()
            #expect(try channel.answers().count == 1)
        }
        #expect(channel.passed == ["\(ChannelEvent.inputClosed)"])
        channel.close()
    }

    @Test func `a commit wakes an event loop once, however many of its events came from there`() throws {
        let loop = EmbeddedEventLoop()
        let woken = CountingLoop(loop)
        let mailbox = Mailbox(woken)
        let held = HeldAppends()
        let channels = try (1...3).map { _ in try WebhookChannel(loop: loop, mailbox: mailbox, held: held) }
        for round in 1...2 {
            for channel in channels { try channel.ask("{}") }
            #expect(held.bodies.count == 3)
            held.commit()
            #expect(woken.count == round)
            for channel in channels { #expect(try channel.answers().count == 1) }
        }
        for channel in channels { channel.close() }
    }

    @Test func `a HEAD that is refused before anybody looks at it has no body in its answer`() throws {
        let channel = try WebhookChannel()
        try channel.begin(.HEAD, "http://localhost/health")
        #expect(try channel.answers() == ["400 and close"])
        channel.close()
    }

    @Test func `who asks by another method is told which one, without a body where none may be`() throws {
        let channel = try WebhookChannel()
        for (method, answer) in [(HTTPMethod.GET, #"405 {"error":"Method not allowed"}"#), (.HEAD, "405")] {
            try channel.begin(method)
            try channel.end()
            #expect(try channel.answers() == [answer])
        }
        channel.close()
    }
}

@Suite struct RequestFieldsTests {
    @Test func `a header is found whatever the case of its name, without the blanks around its value`() {
        let fields = RequestFields([
            "X-Signature": "sha256=1 \t", "x-SIGNATURE": "2", "X-Signaturf": "3", "Content-Type": "", "Y": " ",
        ])
        #expect(fields.values(of: "x-signature") == ["sha256=1", "2"])
        #expect(fields.values(of: "x-signaturf") == ["3"])
        #expect(fields.values(of: "content-type") == [""])
        #expect(fields.values(of: "y") == [""])
        #expect(fields.values(of: "x-signaturg").isEmpty)
        #expect(fields.names == ["x-signature", "x-signature", "x-signaturf", "content-type", "y"])
    }

    @Test(arguments: [
        (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"), (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (784_111_778_000, "Sun, 06 Nov 1994 08:49:38 GMT"), (1_709_164_800_000, "Thu, 29 Feb 2024 00:00:00 GMT"),
    ])
    func `a date is written as RFC 9110 wants it`(milliseconds: Int64, text: String) {
        #expect(DateField().text(at: Timestamp(milliseconds: milliseconds)) == text)
    }
}
