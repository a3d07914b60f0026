import EventQueueHTTP
import Foundation
import Testing

/// The token of the consumer API is what the file said when the service started.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct TokenRotationTests {
    @Test func `a token that was removed is made anew at the next start, and the old one is worth nothing`()
        async throws
    {
        let service = try await ServiceProcess.start(in: Scratch())
        let old = try Self.token(service)
        try FileManager.default.removeItem(atPath: service.scratch.state + "/token")
        #expect(try await Self.status(service, old) == 200)
        await service.stop()
        let next = try await ServiceProcess.start(in: service.scratch)
        let new = try Self.token(next)
        #expect(new != old)
        #expect(new.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        #expect(try Scratch.mode(of: next.scratch.state + "/token") == 0o600)
        #expect(try await Self.status(next, old) == 401)
        #expect(try await Self.status(next, new) == 200)
        #expect(try await next.run(["status"]).status == 0)
        await next.stop()
    }

    @Test func `a token that was written by hand holds from the next start on, and not before`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let old = try Self.token(service)
        try Data("a-token-of-my-own\n".utf8).write(to: URL(filePath: service.scratch.state + "/token"))
        #expect(try await service.run(["config", "reload"]).status == 1)
        service.child.send(signal: SIGHUP)
        #expect(try await Self.status(service, "a-token-of-my-own") == 401)
        #expect(try await Self.status(service, old) == 200)
        await service.stop()
        let next = try await ServiceProcess.start(in: service.scratch)
        #expect(try await Self.status(next, "a-token-of-my-own") == 200)
        #expect(try await Self.status(next, old) == 401)
        await next.stop()
    }

    private static func token(_ service: ServiceProcess) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: service.scratch.state + "/token")), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func status(_ service: ServiceProcess, _ token: String) async throws -> Int {
        try await QueueClient(url: service.url, token: AccessToken(token)).send("GET", "/v1/status").status
    }
}
