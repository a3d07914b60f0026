/// What senders and a poller saw of a service that was killed again and again.
struct HandoverHistory {
    /// One answer to a poll, and whether the poller saved its checkpoint.
    struct Batch {
        let checkpoint: String
        let body: String
        let events: [String]
        let isSaved: Bool
    }

    /// Ids by idempotency key of everything that was sent; `nil` for what was never acknowledged.
    var sent: [String: String?] = [:]
    var batches: [Batch] = []
    /// Ids in the order of their `seq`, as the audit view has them.
    var stored: [String] = []

    /// What went wrong, by kind; all empty when the promise was kept.
    struct Verdict: Equatable {
        var lost: Set<String> = []
        var unexpected: Set<String> = []
        var duplicated: Set<String> = []
        var reordered: Set<String> = []
        /// Checkpoints under which two answers differed.
        var changed: Set<String> = []
    }

    func verdict() -> Verdict {
        var verdict = Verdict()
        let saved = batches.filter(\.isSaved).flatMap(\.events)
        let acknowledged = Set(sent.values.compactMap(\.self))
        verdict.lost = acknowledged.subtracting(saved)
        verdict.unexpected = Set(saved).subtracting(stored)
        verdict.duplicated = Set(Dictionary(grouping: saved, by: \.self).filter { $0.value.count > 1 }.keys)
        let place = Dictionary(stored.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for (before, after) in zip(saved, saved.dropFirst()) where place[before, default: -1] >= place[after, default: -1] {
            verdict.reordered.insert(after)
        }
        for (checkpoint, answers) in Dictionary(grouping: batches, by: \.checkpoint)
        where Set(answers.map(\.body)).count > 1 {
            verdict.changed.insert(checkpoint)
        }
        return verdict
    }
}
