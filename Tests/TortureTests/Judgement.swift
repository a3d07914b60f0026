import EndToEndSupport
import Foundation

/// What became of the promise after one fault.
struct Judgement: Sendable {
    /// Acknowledged events, outcomes and replays that are gone.
    private(set) var lost: Set<String> = []
    /// Events that were handed over twice, or stored twice.
    var duplicated = 0
    /// Everything that was not as promised, in words; empty when all was.
    var faults: [String] = []

    /// Notes a broken promise.
    mutating func note(_ fault: String, lost: some Collection<String> = [], duplicated: Int = 0) {
        faults.append(fault)
        // Several looks find the same thing gone.
        self.lost.formUnion(lost)
        self.duplicated += duplicated
    }

    /// Notes what the checker of the kill test finds.
    mutating func note(_ verdict: HistoryChecker.Verdict) {
        guard verdict != HistoryChecker.Verdict() else { return }
        note("\(verdict)", lost: verdict.lost, duplicated: verdict.duplicated.count)
    }

    /// Says in each fault where it struck.
    func at(_ place: String) -> Judgement {
        var judgement = self
        judgement.faults = faults.map { "\(place): \($0)" }
        return judgement
    }
}

/// Starts the service again after a fault and judges what is there.
struct Aftermath {
    /// Longer than this nobody waits for a service that was killed.
    private static let readyMax: Duration = .seconds(5)
    /// More polls than any ground has events.
    private static let pollsMax = 500

    let scratch: Scratch
    private(set) var witness: Witness
    private(set) var judgement: Judgement

    /// - Parameter judgement: What was noted while the fault struck.
    init(_ witness: Witness, in scratch: Scratch, _ judgement: Judgement = Judgement()) {
        self.witness = witness
        self.scratch = scratch
        self.judgement = judgement
    }

    /// The judgement, after the callers who got no answer have tried again and everything is drained.
    ///
    /// - Parameter verbs: What was under way when the fault struck.
    static func judge(
        _ witness: Witness, retrying verbs: [Verb], in scratch: Scratch, _ judgement: Judgement = Judgement()
    ) async -> Judgement {
        var aftermath = Aftermath(witness, in: scratch, judgement)
        do {
            try await aftermath.run(verbs)
        } catch {
            aftermath.judgement.note("\(error)")
        }
        return aftermath.judgement
    }

    private mutating func run(_ verbs: [Verb]) async throws {
        let start = ContinuousClock.now
        let service = try await ServiceProcess.start(in: scratch)
        let wait = start.duration(to: .now)
        if wait > Self.readyMax { judgement.note("ready after \(wait)") }
        // What was acknowledged is there before anybody tries again.
        try await compare()
        for verb in verbs {
            for answer in await witness.perform(verb, on: service) where answer != .done {
                judgement.note("\(verb) after the restart: \(answer)")
            }
        }
        try await drain(service)
        try await compare()
        judgement.note(HistoryChecker.verdict(on: witness.history))
        await service.kill()
        let verify = try await Binary.run(["verify"], in: scratch)
        if verify.status != 0 { judgement.note("verify: \(verify.output)\(verify.error)") }
    }

    private mutating func drain(_ service: ServiceProcess) async throws {
        for _ in 0..<Self.pollsMax {
            let before = witness.history.batches.count
            let answer = await witness.perform(.poll, on: service)
            guard answer == [.done] else { return judgement.note("a poll after the restart: \(answer)") }
            if witness.history.batches.count == before { return }
        }
        judgement.note("the queue never ran dry")
    }

    /// Looks with an auditor's shell for what was acknowledged.
    private mutating func compare() async throws {
        let lines = try await sql("SELECT idempotency_key, id, envelope FROM event ORDER BY seq")
        witness.history.rows = lines.compactMap { line in
            let columns = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
            guard columns.count == 3 else { return nil }
            return .init(key: String(columns[0]), id: String(columns[1]), envelope: String(columns[2]))
        }
        let stored = Dictionary(witness.history.rows.map { ($0.key, $0.id) }, uniquingKeysWith: { first, _ in first })
        let gone = witness.history.acknowledgements.filter { stored[$0.key] != $0.id }
        if !gone.isEmpty { judgement.note("not stored: \(gone.map(\.key))", lost: gone.map(\.id)) }
        let outcomes = Set(try await sql("SELECT id FROM emissions WHERE outcome = 'delivered'"))
        let unsettled = witness.settled.subtracting(outcomes)
        if !unsettled.isEmpty {
            judgement.note("not settled: \(unsettled)", lost: unsettled.map { "outcome of \($0)" })
        }
        let orders = Set(try await sql("SELECT id FROM replays"))
        let unordered = witness.replays.subtracting(orders)
        if !unordered.isEmpty { judgement.note("not replayed: \(unordered)", lost: unordered) }
        if orders.count > 1 { judgement.note("one order became \(orders.count) replays", duplicated: 1) }
        let twice = try await sql("SELECT * FROM double_emissions")
        if !twice.isEmpty { judgement.note("double_emissions: \(twice)", duplicated: twice.count) }
    }

    private func sql(_ question: String) async throws -> [String] {
        try await SQLiteShell.rows(question, of: scratch.database, in: scratch)
    }
}
