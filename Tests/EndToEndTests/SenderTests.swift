import EventQueue
import EventQueueHTTP
import Foundation
import Testing

/// What senders do that a buffer has to take as it is.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct SenderTests {
    @Test func `Stripe sends an event again with other counts in its body, and it stays one event`() async throws {
        let service = try await Self.start("{ scheme: stripe, secret: whsec_test }")
        let first = try await Self.stripe(pending: 2, to: service)
        #expect(first.status == 200)
        for pending in [1, 0, 1] {
            let again = try await Self.stripe(pending: pending, to: service)
            #expect(again.status == 200)
            #expect(again.text.contains(#""duplicate":true"#))
        }
        #expect(try await service.run(["events"]).lines.count == 2)
        #expect(try await !service.run(["status"]).output.contains("in quarantine"))
        await service.stop()
    }

    @Test func `what Stripe sent again and again before a mend becomes one event, and needs no other key`() async throws
    {
        let service = try await Self.start("{ scheme: stripe, secret: whsec_test }", connector: "pi")
        for pending in [2, 1] { #expect(try await Self.stripe(pending: pending, to: service).status == 400) }
        try Self.configure("{ scheme: stripe, secret: whsec_test }", connector: "webhook", in: service.scratch)
        #expect(try await service.run(["config", "reload"]).status == 0)
        let retry = try await service.run(["quarantine", "retry", "--all"])
        #expect(retry.status == 0, "\(retry.error)")
        #expect(retry.lines.count == 2 && retry.lines[1].contains("was delivered before as"))
        #expect(try await service.run(["events"]).lines.count == 2)
        await service.stop()
    }

    @Test func `a body as deep as may be is handed over, replayed as a replay, and sound to verify`() async throws {
        let service = try await Self.start("{}")
        let deep = #"{"a":"# + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}"
        let sent = try await service.client().send("POST", "/webhook/hooks", body: Array(deep.utf8))
        #expect(sent.status == 200)
        #expect(try await service.run(["poll", "hooks"]).output.contains(deep))
        #expect(try await service.run(["poll", "hooks"]).status == 0)
        let replay = try await service.run(
            ["replay", "--source", "hooks", "--from-seq", "1", "--to-seq", "1", "--reason", "a test"])
        #expect(replay.status == 0)
        let again = try await service.run(["poll", "hooks"])
        #expect(again.output.contains(#""replay":{"id":"rpl_"#))
        #expect(again.output.contains(deep))
        #expect(try await Binary.run(["verify"], in: service.scratch).status == 0)
        await service.stop()
    }

    /// Posts a delivery of one event, of which `pending` endpoints have not had it yet.
    private static func stripe(pending: Int, to service: ServiceProcess) async throws -> QueueClient.Reply {
        let body = Array(#"{"id":"evt_1","type":"invoice.paid","pending_webhooks":\#(pending)}"#.utf8)
        let proof = Verifier.Scheme.stripe.proof(
            of: body, by: try #require(Secret("whsec_test")), id: "", at: .now())
        return try await service.client().send(
            "POST", "/webhook/hooks", headers: proof.map { ($0.name, $0.value) }, body: body)
    }

    private static func start(_ config: String, connector: String = "webhook") async throws -> ServiceProcess {
        let scratch = try Scratch()
        try configure(config, connector: connector, in: scratch)
        return try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
    }

    private static func configure(_ config: String, connector: String, in scratch: Scratch) throws {
        try scratch.write(
            "sources: [{ id: hooks, connector: '@orgloop/connector-\(connector)', config: \(config) }]", to: "q.yaml")
    }
}
