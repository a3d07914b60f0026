import EndToEndSupport
import Foundation

/// A service whose writes are logged while callers use it; then the power is lost at many moments of the log.
struct PowerLossRun {
    /// What the service's syncs do.
    enum Syncs {
        case real
        /// Nothing, as with `synchronous=OFF`; the service believes that they did.
        case pretended
    }

    /// What the callers knew when the log had this length.
    private struct Moment {
        let logBytes: Int
        let verb: Verb
        let witness: Witness
    }

    /// A checkpoint, a batch of each kind, and what an operator does.
    private static let verbs: [Verb] = [.append, .poll, .settle, .replay, .appendTogether, .poll, .appendLarge, .poll]

    let log: DiskLog
    private let disk: SimulatedDisk
    private let ground: Ground
    private let moments: [Moment]

    init(on ground: Ground, _ syncs: Syncs) async throws {
        let scratch = try ground.copy()
        let before = try SimulatedDisk(scratch.state)
        let path = scratch.path + "/log"
        var flags = ["-D", "-f", "-y", "-xx", "-s", "70000", "-o", path, "-P", scratch.state]
        for suffix in ["", "-wal", "-journal"] { flags += ["-P", scratch.database + suffix] }
        flags += ["-e", "trace=openat,pwrite64,ftruncate,fsync,fdatasync,unlink"]
        if case .pretended = syncs { flags += ["-e", "inject=fsync,fdatasync:retval=0"] }
        let service = try await ServiceProcess.start(in: scratch, tracer: ["strace"] + flags)
        var witness = ground.witness
        var moments: [Moment] = []
        for verb in Self.verbs {
            let answers = await witness.perform(verb, on: service)
            guard answers.allSatisfy({ $0 == .done }) else { throw Ground.NotLaid(answers: answers) }
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            moments.append(Moment(logBytes: size ?? .max, verb: verb, witness: witness))
        }
        await service.stop()
        self.ground = ground
        self.moments = moments
        disk = before
        log = DiskLog(try Data(contentsOf: URL(filePath: path)))
    }

    /// Loses the power behind `count` of the changes.
    ///
    /// - Parameter mercies: What may be left of what was not synced.
    func losePower(
        _ count: Int, _ random: SeededRandom, leaving mercies: [SimulatedDisk.Mercy] = SimulatedDisk.Mercy.allCases
    ) async throws -> [Judgement] {
        var disk = disk
        var judgements: [Judgement] = []
        let stride = max(1, log.entries.count / max(1, count))
        var next = random.number(in: 0...(stride - 1))
        for (number, entry) in log.entries.enumerated() {
            disk.apply(entry.change)
            guard number >= next else { continue }
            next += stride
            let mercy = mercies[random.number(in: 0...(mercies.count - 1))]
            let judgement = try await judge(disk, mercy, random, at: entry.end)
            judgements.append(judgement.at("power lost at change \(number), \(mercy) left"))
        }
        return judgements
    }

    private func judge(
        _ disk: SimulatedDisk, _ mercy: SimulatedDisk.Mercy, _ random: SeededRandom, at logBytes: Int
    ) async throws -> Judgement {
        let scratch = try Scratch()
        try disk.write(to: scratch.state, mercy, random)
        let answered = moments.last { $0.logBytes <= logBytes }?.witness ?? ground.witness
        let pending = moments.first { $0.logBytes > logBytes }
        var witness = answered
        // Sent, and nobody knows what became of it.
        if let pending { witness.history.sent.formUnion(pending.witness.history.sent) }
        return await Aftermath.judge(witness, retrying: pending.map { [$0.verb] } ?? [], in: scratch)
    }
}
