import EndToEndSupport
import EventQueueHTTP
import Testing

extension TortureTests {
    /// A service that breaks the promise must not pass; ``PowerLossTests`` has the one without syncs.
    @Suite(
        .timeLimit(.minutes(5)),
        .enabled(if: Tracer.canAttach, "strace is not installed, or may not join a running process"),
        .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    struct ControlTests {
        /// Two whole services make one that commits a poll after its answer: the poller has its answer from the
        /// one on a copy of the database, and the kill strikes the commit of the other.
        @Test func `a poll that is committed after its answer is found out`() async throws {
            let ground = try await Ground.make(.light)
            var judgements: [Judgement] = []
            for number in 1...(TortureSettings.form == .all ? 8 : 2) {
                let scratch = try ground.copy()
                var witness = ground.witness
                let early = try await ServiceProcess.start(in: ground.copy())
                let answer = await witness.poll(early, limit: 3)
                await early.kill()
                #expect(answer == .done)
                let service = try await ServiceProcess.start(in: scratch)
                let point = Point(strike: .kill, call: "pwrite64", scope: .database, number: number)
                let tracer = try await Tracer.attach(to: service, point)
                var late = ground.witness
                #expect(await late.perform(.poll, on: service) == [.cut])
                await tracer.detach()
                await service.kill()
                judgements.append(await Aftermath.judge(witness, retrying: [], in: scratch))
            }
            TortureTable.addControl("kill under a poll that is committed late", judgements)
        }
    }
}
