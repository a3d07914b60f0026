import Foundation
import Testing

/// A checkpoint that the queue does not know any more: the commands that the answers name lead out of it.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct RefusedCheckpointTests {
    @Test(arguments: [true, false])
    func `a consumer that was dropped goes on with the command that its poll was told`(
        isRunning: Bool
    ) async throws {
        let service = try await Self.polled()
        if !isRunning { await service.stop() }
        let scratch = service.scratch
        let drop = try await Binary.run(["consumer", "drop", "me", "--reason", "by mistake", "--yes"], in: scratch)
        #expect(drop.status == 0, "\(drop.error)")
        try await Self.walk(scratch, code: "checkpoint_ahead")
        await service.stop()
    }

    @Test func `a consumer that a restored backup does not know goes on with that command`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let scratch = service.scratch
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await Binary.run(["backup", "monday.db"], in: scratch).status == 0)
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await service.run(["poll", "claude-code", "--consumer", "me"]).lines.count == 2)
        try await Self.restore("monday.db", over: service)
        try await Self.walk(scratch, code: "checkpoint_ahead")
    }

    @Test func `a consumer that is ahead of a restored backup goes on with that command`() async throws {
        let service = try await Self.polled()
        #expect(try await Binary.run(["backup", "monday.db"], in: service.scratch).status == 0)
        for _ in 1...2 {
            #expect(try await service.run(["send", "claude-code"]).status == 0)
            #expect(try await service.run(["poll", "claude-code", "--consumer", "me"]).lines.count == 1)
        }
        try await Self.restore("monday.db", over: service)
        #expect(try await Binary.run(["send", "claude-code"], in: service.scratch).status == 0)
        try await Self.walk(service.scratch, code: "checkpoint_ahead")
    }

    @Test func `the checkpoint of another database goes on with that command`() async throws {
        let service = try await Self.polled()
        await service.stop()
        for file in ["queue.db", "queue.db-wal", "queue.db-shm"] {
            try? FileManager.default.removeItem(atPath: service.scratch.state + "/" + file)
        }
        let next = try await ServiceProcess.start(in: service.scratch)
        #expect(try await next.run(["send", "claude-code"]).status == 0)
        try await Self.walk(service.scratch, code: "lineage_mismatch")
        await next.stop()
    }

    // MARK: Helpers

    /// Polls, does what it is told, polls, and then reads what comes in like any other reader.
    private static func walk(_ scratch: Scratch, code: String) async throws {
        let poll = ["poll", "claude-code", "--consumer", "me"]
        let refused = try await Binary.run(poll + ["--database", scratch.database], in: scratch)
        #expect(refused.status == 1)
        #expect(refused.output.isEmpty)
        #expect(refused.error.contains(code), "\(refused.error)")
        #expect(refused.error.contains("\(scratch.state)/poll-me-claude-code.checkpoint"))
        let line = try #require(refused.error.split(separator: "\n").last { $0.contains("orgloop-queue resume") })
        let command = line.drop { $0 != ":" }.dropFirst()
        #expect(command.contains(scratch.database))
        let resumed = try await Binary.shell(String(command), in: scratch)
        #expect(resumed.status == 0, "\(resumed.error)")
        let first = try await Binary.run(poll, in: scratch)
        #expect(first.status == 0, "\(first.error)")
        #expect(!first.lines.isEmpty)
        #expect(try await Binary.run(["send", "claude-code"], in: scratch).status == 0)
        let second = try await Binary.run(poll, in: scratch)
        #expect(second.status == 0, "\(second.error)")
        #expect(second.lines.count == 1)
        let recorded = try await SQLiteShell.rows("SELECT reason FROM resume", of: scratch.database, in: scratch)
        #expect(recorded == ["…"])
    }

    /// A service of which `me` has read an event.
    private static func polled() async throws -> ServiceProcess {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(try await service.run(["poll", "claude-code", "--consumer", "me"]).lines.count == 1)
        return service
    }

    private static func restore(_ backup: String, over service: ServiceProcess) async throws {
        let scratch = service.scratch
        #expect(await service.stop() == 0)
        for file in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: scratch.database + file) }
        try FileManager.default.copyItem(atPath: scratch.path + "/" + backup, toPath: scratch.database)
    }
}
