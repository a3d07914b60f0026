import Foundation
import Testing

/// Retention as an operator asks for it.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct PruneCommandTests {
    /// Three events that the engine has delivered and two that it was not handed.
    private static func start(in scratch: Scratch, _ flags: [String] = []) async throws -> ServiceProcess {
        let service = try await ServiceProcess.start(in: scratch, flags)
        let engine = Engine(service: service)
        let ids = try await engine.send(3)
        let session = try await engine.open()
        let batch = try await engine.poll(nil, session)
        _ = try await engine.poll(batch.checkpoint, session)
        for id in ids { try await engine.settle([id: "delivered"], session) }
        try await engine.close(session)
        _ = try await engine.send(2)
        return service
    }

    @Test func `prune deletes what every consumer has done with, and nothing else`() async throws {
        let service = try await Self.start(in: Scratch())
        let ids = try await service.listed()
        let dry = try await service.run(["prune", "--keep", "1ms", "--dry-run"])
        #expect(dry.status == 0)
        #expect(dry.output.contains("would delete 3 events"))
        #expect(dry.output.contains("2 are old enough and stay"))
        #expect(try await service.listed() == ids)
        let run = try await service.run(["prune", "--keep", "1ms", "--json"])
        #expect(run.status == 0)
        #expect(try Answer(run.output)["deleted"].number == 3)
        #expect(try await service.listed() == Array(ids[3...]))
        let again = try await service.run(["prune", "--keep", "1ms"])
        #expect(again.status == 0)
        #expect(again.output.contains("deleted 0 events"))
        await service.stop()
    }

    @Test func `thinning drops the content and keeps what recognises a repeat`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let engine = Engine(service: service)
        let send = ["send", "claude-code", "--idempotency-key", "k", "--body", "-"]
        let body = #"{"session_id":"s","working_directory":"/w","duration_seconds":1,"exit_status":0}"#
        let id = try Answer(try await service.run(send, input: body).output)["event_id"].text
        let batch = try await engine.poll(nil)
        _ = try await engine.poll(batch.checkpoint)
        let run = try await service.run(["prune", "--thin", "1ms"])
        #expect(run.status == 0)
        #expect(run.output.contains("dropped the content of 1"))
        let shown = try await service.run(["show", id])
        #expect(shown.status == 0)
        #expect(shown.output.contains("thinned"))
        #expect(!shown.output.contains("session_id"))
        let repeated = try Answer(try await service.run(send, input: body).output)
        #expect(repeated["event_id"].text == id)
        #expect(repeated["duplicate"].value as? Bool == true)
        await service.stop()
    }

    @Test func `without a retention prune says where to set one`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        for flags in [[], ["--dry-run"]] {
            let run = try await service.run(["prune"] + flags)
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.error.contains("no_retention"))
            #expect(run.error.contains("--keep"))
        }
        await service.stop()
    }

    @Test func `prune without a bound uses the configured retention`() async throws {
        let scratch = try Scratch()
        try scratch.write("retention: { keep: 1h }", to: "q.yaml")
        let service = try await Self.start(in: scratch, ["--config", "q.yaml"])
        let run = try await service.run(["prune"])
        #expect(run.status == 0)
        #expect(run.output.contains("deleted 0 events"))
        await service.stop()
    }

    @Test(arguments: [["--keep", "soon"], ["--thin", "-1s"], ["--bytes-max", "1TB"]])
    func `a bound that is none is misuse`(_ flags: [String]) async throws {
        #expect(try await Binary.run(["prune"] + flags, in: Scratch()).status == 2)
    }
}
