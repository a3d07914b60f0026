import EventQueueHTTP
import Foundation
import Testing

/// What the service does by itself because its configuration says so.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct PolicyTests {
    @Test func `a service with a retention prunes without being asked`() async throws {
        let scratch = try Scratch()
        try scratch.write("retention: { keep: 1s }", to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        #expect(try await service.run(["send", "claude-code", "--count", "3"]).status == 0)
        #expect(try await service.run(["poll", "claude-code", "--limit", "2"]).lines.count == 3)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        // The three were confirmed by the last poll; the fourth is pending and stays however old it grows.
        var listed = 4
        while listed > 1 { listed = try await service.run(["events"]).lines.dropFirst().count }
        #expect(try await service.run(["events", "--state", "pending"]).lines.dropFirst().count == 1)
        #expect(service.standardError.contains(#""message":"pruned""#))
        await service.stop()
    }

    @Test func `a consumer that wants it gets what a dead engine left again, with the reason on record`() async throws {
        let scratch = try Scratch()
        try scratch.write("consumers: [{ id: orgloop, in_doubt: replay }]", to: "q.yaml")
        let service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
        #expect(try await service.run(["send", "claude-code", "--count", "2"]).status == 0)
        let dead = try await Self.session(service)
        let first = try await Self.call("poll", #"{"checkpoint":null,"session":"\#(dead)"}"#, service)
        let saved = try #require(first["checkpoint"] as? String)
        // The engine saved the checkpoint and died. Its successor opens a session and presents it.
        let next = try await Self.session(service)
        let again = try await Self.call("poll", #"{"checkpoint":"\#(saved)","session":"\#(next)"}"#, service)
        #expect(Self.ids(again) == Self.ids(first))
        #expect(Self.ids(again).count == 2)
        let replays = try await service.run(["replay", "list"])
        #expect(replays.output.contains("orgloop-queue"))
        #expect(replays.output.contains("session \(dead) (test/1) ended without finishing them"))
        await service.stop()
    }

    private static func session(_ service: ServiceProcess) async throws -> String {
        try #require(try await call("session", #"{"engine":"test/1","settles":true}"#, service)["session"] as? String)
    }

    private static func call(_ name: String, _ body: String, _ service: ServiceProcess) async throws -> [String: Any] {
        let reply = try await service.client().send(
            "POST", "/v1/consumers/orgloop/sources/claude-code/\(name)", body: Array(body.utf8))
        #expect(reply.status == 200)
        return try #require(try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any])
    }

    private static func ids(_ answer: [String: Any]) -> [String] {
        (answer["events"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }
}
