/// Compares what was handed over with what was promised.
///
/// It knows nothing of how the service works: it reads the evidence, and each fault is a set of its own.
package enum HistoryChecker {
    /// What went wrong, by kind; all empty when the promise was kept.
    package struct Verdict: Equatable, Sendable {
        /// Ids that were acknowledged and are in no saved batch.
        package var lost: Set<String> = []
        /// Ids that were handed over although nobody sent them, or although they are not in the database.
        package var unexpected: Set<String> = []
        /// Ids in more than one saved place, and keys that got more than one id.
        package var duplicated: Set<String> = []
        /// Ids whose first saved place is not in `seq` order.
        package var reordered: Set<String> = []
        /// Checkpoints of batches that came differently when they came again, or not as they are stored.
        package var changed: Set<String> = []

        package init(
            lost: Set<String> = [], unexpected: Set<String> = [], duplicated: Set<String> = [],
            reordered: Set<String> = [], changed: Set<String> = []
        ) {
            self.lost = lost
            self.unexpected = unexpected
            self.duplicated = duplicated
            self.reordered = reordered
            self.changed = changed
        }
    }

    package static func verdict(on history: HandoverHistory) -> Verdict {
        Verdict(
            lost: lost(in: history), unexpected: unexpected(in: history), duplicated: duplicated(in: history),
            reordered: reordered(in: history), changed: changed(in: history))
    }

    private static func saved(_ history: HandoverHistory) -> [HandoverHistory.Event] {
        history.batches.filter(\.isSaved).flatMap(\.events)
    }

    private struct Emission: Hashable {
        let id: String
        let replay: String?
    }

    private static func lost(in history: HandoverHistory) -> Set<String> {
        Set(history.acknowledgements.map(\.id)).subtracting(saved(history).map(\.id))
    }

    /// Batches that were never saved count too: nothing may be sent before it is durable (I5).
    private static func unexpected(in history: HandoverHistory) -> Set<String> {
        let stored = Set(history.rows.map(\.id))
        let events = history.batches.flatMap(\.events)
        return Set(events.filter { !history.sent.contains($0.key) || !stored.contains($0.id) }.map(\.id))
    }

    private static func duplicated(in history: HandoverHistory) -> Set<String> {
        // A replay emits an event again, once.
        let places = Dictionary(grouping: saved(history)) { Emission(id: $0.id, replay: $0.replay) }
        var ids: [String: Set<String>] = [:]
        for answer in history.acknowledgements { ids[answer.key, default: []].insert(answer.id) }
        for event in history.batches.flatMap(\.events) { ids[event.key, default: []].insert(event.id) }
        for row in history.rows { ids[row.key, default: []].insert(row.id) }
        let twiceHandedOver = places.filter { $0.value.count > 1 }.keys.map(\.id)
        let twiceStored = ids.filter { $0.value.count > 1 }.keys
        return Set(twiceHandedOver).union(twiceStored)
    }

    /// Ids are made before the commit, so the order is that of `seq` and not that of the ids.
    private static func reordered(in history: HandoverHistory) -> Set<String> {
        let ids = history.rows.map(\.id)
        let places = Dictionary(zip(ids, ids.indices), uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        var highest = -1
        var reordered: Set<String> = []
        for event in saved(history) where seen.insert(event.id).inserted {
            guard let place = places[event.id] else { continue }
            if place < highest { reordered.insert(event.id) }
            highest = max(highest, place)
        }
        return reordered
    }

    /// Whoever presents the same checkpoint is handed the same batch, and told that it is not the first time.
    private static func changed(in history: HandoverHistory) -> Set<String> {
        let envelopes = Dictionary(
            history.rows.map { ($0.id, $0.envelope) }, uniquingKeysWith: { first, _ in first })
        var changed: Set<String> = []
        var firstByPresented: [String?: HandoverHistory.Batch] = [:]
        var presentedByCheckpoint: [String: String?] = [:]
        for batch in history.batches {
            let stored = batch.events.map { envelopes[$0.id] ?? "" }.joined(separator: ",")
            // A replay adds its name to the envelope.
            if batch.events.allSatisfy({ $0.replay == nil }), batch.text != "[" + stored + "]" {
                changed.insert(batch.checkpoint)
            }
            if let presented = presentedByCheckpoint.updateValue(batch.presented, forKey: batch.checkpoint),
                presented != batch.presented
            {
                changed.insert(batch.checkpoint)
            }
            guard let first = firstByPresented[batch.presented] else {
                firstByPresented[batch.presented] = batch
                continue
            }
            if first.text != batch.text || first.checkpoint != batch.checkpoint || !batch.isResent {
                changed.insert(batch.checkpoint)
            }
        }
        return changed
    }
}
