import EndToEndSupport
import EventQueueHTTP
import Foundation

/// Kills the service at every system call of a kind, until it gets through without one.
struct KillSweep: Sweep {
    let ground: Ground
    let stride: Int
    let random: SeededRandom

    /// Kills under `verb` at the calls of `call`; a judgement for each kill.
    func run(_ verb: Verb, at call: String, _ scope: Point.Scope) async throws -> [Judgement] {
        try await sweep(.kill, at: call, scope) { try await strike($0, under: verb) }
    }

    /// - Returns: `nil` when the verb went through unharmed.
    private func strike(_ point: Point, under verb: Verb) async throws -> Judgement? {
        let scratch = try ground.copy()
        var witness = ground.witness
        let service = try await ServiceProcess.start(in: scratch)
        let tracer = try await Tracer.attach(to: service, point)
        let answers = await witness.perform(verb, on: service)
        // A kill just behind the answer counts; a service that still talks was not killed.
        let isAlive = (try? await service.client().send("GET", "/health").status) == 200
        await tracer.detach()
        await service.kill()
        guard !isAlive else { return nil }
        var judgement = Judgement()
        let status = await service.child.waitForExit()
        if status != -SIGKILL { judgement.note("it ended by itself, with \(status)") }
        for answer in answers where answer != .done && answer != .cut { judgement.note("answered \(answer)") }
        return await Aftermath.judge(witness, retrying: [verb], in: scratch, judgement)
    }

    /// Kills while the service starts on the ground.
    func runStart(at call: String) async throws -> [Judgement] {
        try await sweep(.kill, at: call, .database) { point in
            let scratch = try ground.copy()
            let flags = Tracer.flags(point, log: scratch.path + "/trace", in: scratch)
            do {
                let service = try await ServiceProcess.start(in: scratch, tracer: ["strace", "-D"] + flags)
                await service.kill()
                return nil
            } catch let end as ServiceProcess.NotStarted {
                var judgement = Judgement()
                if end.status != -SIGKILL { judgement.note("\(end)") }
                return await Aftermath.judge(ground.witness, retrying: [.append], in: scratch, judgement)
            }
        }
    }

    /// Kills while the service stops because it was asked to.
    func runStop(at call: String) async throws -> [Judgement] {
        try await sweep(.kill, at: call, .database) { point in
            let scratch = try ground.copy()
            let service = try await ServiceProcess.start(in: scratch)
            let tracer = try await Tracer.attach(to: service, point)
            let status = await service.stop()
            await tracer.detach()
            guard status != 0 else { return nil }
            var judgement = Judgement()
            if status != -SIGKILL { judgement.note("it stopped with \(status)") }
            return await Aftermath.judge(ground.witness, retrying: [.append], in: scratch, judgement)
        }
    }
}
