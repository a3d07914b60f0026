import EndToEndSupport
import Foundation

/// Has the disk fail every system call of a kind, one at a time, until a verb meets none of them any more.
struct ErrorSweep: Sweep {
    let ground: Ground
    let stride: Int
    let random: SeededRandom

    /// Whether the call tells SQLite that what it wrote is on the disk.
    private static let syncs: Set = ["fdatasync", "fsync"]

    /// Fails `call` with `error` under `verb`; a judgement for each time.
    func run(_ verb: Verb, at call: String, with error: String) async throws -> [Judgement] {
        try await sweep(.error(error), at: call, .database) { try await strike($0, under: verb) }
    }

    /// Fails `call` while the service starts on the ground.
    func runStart(at call: String, with error: String) async throws -> [Judgement] {
        try await sweep(.error(error), at: call, .database) { try await strikeStart($0) }
    }

    /// - Returns: `nil` when the verb met no error.
    private func strike(_ point: Point, under verb: Verb) async throws -> Judgement? {
        let scratch = try ground.copy()
        var witness = ground.witness
        let service = try await ServiceProcess.start(in: scratch)
        let tracer = try await Tracer.attach(to: service, point)
        let answers = await witness.perform(verb, on: service)
        await tracer.detach()
        guard tracer.hasStruck else {
            await service.kill()
            return nil
        }
        var judgement = Judgement()
        for answer in answers { judge(answer, point, verb, &judgement) }
        if Self.syncs.contains(point.call) {
            let status = await service.child.waitForExit()
            if status != 1 { judgement.note("it ended with \(status) after a sync that failed") }
        } else {
            // The disk is whole again, and the same service finds out by itself.
            for answer in await witness.perform(verb, on: service) where answer != .done {
                judgement.note("\(verb) when the disk was whole again: \(answer)")
            }
            // Its end is the test of what it wrote: half of them leave the WAL to their successor.
            if point.number.isMultiple(of: 2) {
                await service.kill()
            } else {
                let status = await service.stop()
                if status != 0 { judgement.note("it stopped with \(status)") }
            }
        }
        return await Aftermath.judge(witness, retrying: [verb], in: scratch, judgement)
    }

    /// What DESIGN §5 lets a caller be told (rules 4 and 5).
    private func judge(_ answer: Answer, _ point: Point, _ verb: Verb, _ judgement: inout Judgement) {
        switch answer {
        case .done:
            // A checkpoint is made after the commit, and those who share a commit are not all in the one that fails.
            let isWrite = point.call == "pwrite64" || Self.syncs.contains(point.call)
            if isWrite, verb != .appendLarge, verb != .appendTogether {
                judgement.note("it was answered 200")
            }
        case .refused(503, let code, let retryAfter):
            if !retryAfter { judgement.note("503 \(code) without Retry-After") }
            let expected: Set =
                if Self.syncs.contains(point.call) {
                    // Who comes when it has failed is told that the service ends.
                    ["broken", "Storage broken", "shutting_down", "Shutting down"]
                } else if "\(point.strike)" == "ENOSPC" {
                    ["disk_full", "Disk full"]
                } else {
                    ["unavailable", "Temporarily unavailable"]
                }
            if !expected.contains(code) { judgement.note("503 \(code)") }
        case .refused: judgement.note("answered \(answer)")
        case .cut:
            if !Self.syncs.contains(point.call) { judgement.note("not answered") }
        }
    }

    private func strikeStart(_ point: Point) async throws -> Judgement? {
        let scratch = try ground.copy()
        var witness = ground.witness
        var judgement = Judgement()
        let log = scratch.path + "/trace"
        let flags = Tracer.flags(point, log: log, in: scratch)
        do {
            let service = try await ServiceProcess.start(in: scratch, tracer: ["strace", "-D"] + flags)
            // What it started on although the disk failed, it must be able to keep.
            for answer in await witness.perform(.append, on: service) {
                if case .refused(let status, _, _) = answer, status < 500 { judgement.note("\(answer)") }
            }
            await service.kill()
        } catch let end as ServiceProcess.NotStarted {
            // A disk that fails is not a file that is damaged: nobody should restore a backup because of it.
            let isHonest = end.status == 1 && !end.error.isEmpty && !end.error.contains("damaged")
            if !isHonest { judgement.note("\(end)") }
        }
        guard Tracer.hasStruck(log) else { return nil }
        return await Aftermath.judge(witness, retrying: [.append], in: scratch, judgement)
    }
}
