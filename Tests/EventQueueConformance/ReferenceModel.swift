import EventQueue

/// The protocol once more, as plainly as it can be said: arrays in memory, one cursor, no transactions.
///
/// It shares no code with ``PollRule`` or with an engine, so that a misunderstanding shows as a difference.
struct ReferenceModel {
    struct Emission {
        var event: Int
        var isReplay = false
        var outcome: Outcome?
        var isInDoubt = false
    }

    struct BatchModel {
        var emissions: [Int]
        var token: String
        var origin: String?
        var session: Int?
        var confirmedAt: Timestamp?
        var isAbandoned = false
    }

    struct SessionModel {
        var settles: Bool
        var end: String?
    }

    enum Answer: Equatable {
        case events([Event.ID], resent: Bool, warning: Bool, isNewBatch: Bool)
        case refused(ProtocolRefusal)
    }

    var events: [Event.ID] = []
    var emissions: [Emission] = []
    var batches: [BatchModel] = []
    var sessions: [SessionModel] = []
    var waiting: Set<Int> = []
    var handedOver = 0
    var resumeInForce = false
    let refuses: Bool
    let settleAfterMax: Duration

    // MARK: Poll

    /// What a poll must answer; a new batch gets its token by ``name(_:)``.
    mutating func poll(_ presented: String?, session: Int?, limit: Int, at time: Timestamp) -> Answer {
        if let session {
            switch sessions[session].end {
            case "closed": return .refused(.sessionClosed)
            case "fenced": return .refused(.sessionFenced)
            default: break
            }
        } else if sessions.contains(where: { $0.end == nil }) {
            return .refused(.sessionRequired)
        }
        let last = batches.indices.last
        let isLast = presented == last.map { batches[$0].token }
        if let last, isLast == false, batches[last].origin == presented, batches[last].confirmedAt == nil,
            !batches[last].isAbandoned
        {
            batches[last].session = session
            return .events(ids(batches[last].emissions), resent: true, warning: false, isNewBatch: false)
        }
        if !isLast, !resumeInForce {
            guard let presented else { return regress(presented, session, limit, time) }
            guard batches.contains(where: { $0.token == presented }) else {
                return .refused(.lineageMismatch)
            }
            return regress(presented, session, limit, time)
        }
        if let last, batches[last].confirmedAt == nil { confirm(last, by: session, at: time) }
        let made = makeBatch(presented, session, limit)
        if made != nil || isLast { resumeInForce = false }
        return .events(made ?? [], resent: false, warning: false, isNewBatch: made != nil)
    }

    private mutating func regress(_ presented: String?, _ session: Int?, _ limit: Int, _ time: Timestamp)
        -> Answer
    {
        if refuses, waiting.isEmpty { return .refused(.checkpointRegressed) }
        if let last = batches.indices.last {
            if batches[last].confirmedAt == nil { batches[last].isAbandoned = true }
            doubt(last)
        }
        let made = makeBatch(presented, session, limit)
        return .events(made ?? [], resent: false, warning: true, isNewBatch: made != nil)
    }

    private mutating func makeBatch(_ origin: String?, _ session: Int?, _ limit: Int) -> [Event.ID]? {
        let again = waiting.sorted().prefix(limit)
        let fresh = Array(handedOver..<min(events.count, handedOver + limit - again.count))
        guard !again.isEmpty || !fresh.isEmpty else { return nil }
        waiting.subtract(again)
        handedOver += fresh.count
        let start = emissions.count
        emissions += again.map { Emission(event: $0, isReplay: true) } + fresh.map { Emission(event: $0) }
        let members = Array(start..<emissions.count)
        batches.append(BatchModel(emissions: members, token: "", origin: origin, session: session))
        return ids(members)
    }

    private mutating func confirm(_ batch: Int, by session: Int?, at time: Timestamp) {
        batches[batch].confirmedAt = time
        guard let handedTo = batches[batch].session, handedTo != session else { return }
        if sessions[handedTo].settles || sessions[handedTo].end == "fenced" { doubt(batch) }
    }

    private mutating func doubt(_ batch: Int) {
        for emission in batches[batch].emissions
        where emissions[emission].outcome == nil && isCurrent(emission) {
            emissions[emission].isInDoubt = true
        }
    }

    /// Gives the batch that the last poll made the checkpoint that the store gave it.
    mutating func name(_ token: String) { batches[batches.count - 1].token = token }

    // MARK: The other verbs

    mutating func openSession(settles: Bool) -> Int {
        if let open = sessions.firstIndex(where: { $0.end == nil }) { end(open, "fenced") }
        sessions.append(SessionModel(settles: settles))
        return sessions.count - 1
    }

    mutating func closeSession(_ session: Int) -> ProtocolRefusal? {
        if sessions[session].end == "fenced" { return .sessionFenced }
        if sessions[session].end == nil { end(session, "closed") }
        return nil
    }

    private mutating func end(_ session: Int, _ how: String) {
        sessions[session].end = how
        let its = batches.indices.filter { batches[$0].session == session }
        let judged = sessions[session].settles ? its : how == "fenced" ? Array(its.suffix(1)) : []
        for batch in judged where batches[batch].confirmedAt != nil { doubt(batch) }
    }

    mutating func settle(_ reports: [(Event.ID, Outcome)], session: Int?) -> (settled: Int, unknown: [String]) {
        var settled = 0
        var unknown: [String] = []
        for (event, outcome) in reports {
            let its = emissions.indices.filter { emission in
                events[emissions[emission].event] == event
                    && (session == nil || batch(of: emission).session == session)
            }
            guard let latest = its.last else {
                unknown.append(event.rawValue)
                continue
            }
            guard emissions[latest].outcome == nil else { continue }
            emissions[latest].outcome = outcome
            settled += 1
        }
        if let session { sessions[session].settles = true }
        return (settled, unknown)
    }

    mutating func replay(_ chosen: [Event.ID]) -> (events: Int, skipped: Int)? {
        let places = Set(chosen.compactMap { events.firstIndex(of: $0) })
        let eligible = places.filter { place in
            let its = emissions.indices.filter { emissions[$0].event == place }
            let isOutstanding = its.contains {
                batch(of: $0).confirmedAt == nil && !batch(of: $0).isAbandoned
            }
            return place < handedOver && !waiting.contains(place) && !isOutstanding
        }
        guard !eligible.isEmpty else { return nil }
        waiting.formUnion(eligible)
        return (eligible.count, places.count - eligible.count)
    }

    mutating func judgeOverdue(at time: Timestamp) {
        let limit = time.advanced(by: .zero - settleAfterMax)
        for index in batches.indices {
            guard let session = batches[index].session, let confirmedAt = batches[index].confirmedAt
            else { continue }
            if sessions[session].end == nil, sessions[session].settles, confirmedAt <= limit { doubt(index) }
        }
    }

    // MARK: Looking at it

    func state(_ place: Int) -> Event.State {
        if waiting.contains(place) { return .replaying }
        guard let latest = emissions.lastIndex(where: { $0.event == place }) else { return .pending }
        if let outcome = emissions[latest].outcome { return outcome.state }
        if emissions[latest].isInDoubt { return .inDoubt }
        return batch(of: latest).confirmedAt == nil ? .drained : .confirmed
    }

    var counts: [Event.State: Int] {
        events.indices.reduce(into: [:]) { $0[state($1), default: 0] += 1 }
    }

    private func isCurrent(_ emission: Int) -> Bool {
        let event = emissions[emission].event
        return !waiting.contains(event) && emissions.lastIndex { $0.event == event } == emission
    }

    private func batch(of emission: Int) -> BatchModel {
        batches.first { $0.emissions.contains(emission) } ?? batches[0]
    }

    private func ids(_ members: [Int]) -> [Event.ID] { members.map { events[emissions[$0].event] } }
}
