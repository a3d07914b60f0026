import EventQueue

/// A seeded random history of one cursor, played on a store and on ``ReferenceModel`` side by side.
public struct ModelRun {
    /// What a history came to; a failure names the seed that plays it again.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private let seed: UInt64
    private var random: SplitMix64
    private let harness: any ConformanceHarness
    private let setUp: ConformanceSetUp
    private let sender: Sender
    private let cursor: Cursor.Key
    private var model: ReferenceModel
    private var history: [String] = []
    /// What the engine has on its disk, and what it had there before.
    private var saved: [String?] = [nil]
    private var session: Int?
    private var sessionNames: [Session.ID] = []

    /// - Parameter seed: The same seed plays the same history.
    public init(seed: UInt64, _ harness: any ConformanceHarness, _ setUp: ConformanceSetUp) {
        self.seed = seed
        random = SplitMix64(state: seed)
        self.harness = harness
        self.setUp = setUp
        sender = Sender(setUp.sources[0], setUp.clock)
        let refuses = seed.isMultiple(of: 3)
        let consumer = refuses ? setUp.refusing ?? .standard : .standard
        cursor = Cursor.Key(consumer: consumer, source: setUp.sources[0])
        model = ReferenceModel(refuses: refuses, settleAfterMax: Limits.Settings().settleAfterMax)
    }

    /// Plays `steps` random steps, comparing after each.
    ///
    /// - Throws: ``Failure`` with the seed and the history at the first difference.
    public mutating func play(steps: Int) async throws {
        do {
            for _ in 0..<steps {
                try await step()
                try await compare()
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            let last = history.suffix(12).joined(separator: "\n  ")
            throw Failure(description: "seed \(seed), step \(history.count): \(error)\n  …\n  \(last)")
        }
    }

    private mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<22: try await append()
        case ..<50: try await poll(losesAnswer: false)
        case ..<60: try await poll(losesAnswer: true)
        case ..<64: rollBack()
        case ..<70: try await openSession()
        case ..<73: try await closeSession()
        case ..<86: try await settle()
        case ..<91: try await replay()
        case ..<94: try await resume()
        case ..<98: try await waitAndJudge()
        default: try await restart()
        }
    }

    private mutating func append() async throws {
        let count = Int.random(in: 1...5, using: &random)
        note("append \(count)")
        model.events += try await sender.send(count, to: harness.store)
    }

    private mutating func poll(losesAnswer: Bool) async throws {
        let limit = Int.random(in: 1...6, using: &random)
        let presented = saved.last ?? nil
        note("poll \(presented?.suffix(8) ?? "null"), limit \(limit)\(losesAnswer ? ", answer lost" : "")")
        let request = PollRequest(
            cursor: cursor, checkpoint: presented, session: session.map { sessionNames[$0] }, limit: limit)
        let expected = model.poll(presented, session: session, limit: limit, at: setUp.clock.now)
        let answer: PollAnswer
        do {
            answer = try await harness.store.poll(request)
        } catch let refusal as ProtocolRefusal {
            try expectEqual(.refused(refusal), expected, "the poll")
            // An engine whose session ended starts a new one; a plain caller gives way.
            if refusal == .sessionFenced || refusal == .sessionClosed { session = nil }
            return
        }
        guard case .events(let ids, let resent, let warning, let isNewBatch) = expected else {
            throw BrokenPromise("the poll was answered, expected \(expected)")
        }
        try expectEqual(answer.ids, ids, "events")
        try expectEqual(answer.resent, resent, "sent again")
        try expectEqual(answer.warning != nil, warning, "warned")
        let token = answer.checkpoint?.description
        if isNewBatch { model.name(token ?? "") }
        try expectEqual(token, model.batches.last?.token, "the checkpoint")
        if !losesAnswer, let token, token != presented { saved.append(token) }
    }

    /// The engine comes back with an older checkpoint, or with none.
    private mutating func rollBack() {
        let kept = Int.random(in: 0..<saved.count, using: &random)
        saved.removeLast(saved.count - 1 - kept)
        note("the engine is rolled back to \(saved.last.flatMap(\.self)?.suffix(8) ?? "null")")
    }

    private mutating func openSession() async throws {
        let settles = Bool.random(using: &random)
        note("open session, settles \(settles)")
        let name = try await harness.store.openSession(
            SessionRequest(cursor: cursor, engine: "model", settles: settles))
        sessionNames.append(name)
        session = model.openSession(settles: settles)
    }

    private mutating func closeSession() async throws {
        guard let any = sessionNames.indices.randomElement(using: &random) else { return }
        note("close session \(any)")
        let expected = model.closeSession(any)
        do {
            try await harness.store.closeSession(sessionNames[any], of: cursor)
            try expectEqual(nil, expected, "the close")
        } catch let refusal as ProtocolRefusal {
            try expectEqual(refusal, expected, "the close")
        }
        if session == any { session = nil }
    }

    private mutating func settle() async throws {
        let count = Int.random(in: 1...4, using: &random)
        let reports = (0..<count).compactMap { _ -> (Event.ID, Outcome)? in
            guard let event = model.events.suffix(30).randomElement(using: &random),
                let outcome = Outcome.allCases.randomElement(using: &random)
            else { return nil }
            return (event, outcome)
        }
        let settler = Bool.random(using: &random) ? session : sessionNames.indices.randomElement(using: &random)
        guard model.handedOver > 0 else { return }
        note("settle \(reports.map { "\($0.0) \($0.1)" }) by session \(settler.map(String.init) ?? "none")")
        let expected = model.settle(reports, session: settler)
        let settlement = try await harness.store.settle(
            reports.map { OutcomeReport(eventID: $0.0.rawValue, outcome: $0.1) }, of: cursor,
            session: settler.map { sessionNames[$0] })
        try expectEqual(
            settlement, Settlement(settled: expected.settled, unknown: expected.unknown), "the settlement")
    }

    private mutating func replay() async throws {
        let chosen = model.events.suffix(20).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        guard !chosen.isEmpty, model.handedOver > 0 else { return }
        note("replay \(chosen)")
        let expected = model.replay(Array(chosen))
        do {
            let receipt = try await harness.store.replay(
                Replay.Order(
                    cursor: cursor, actor: "model", reason: "random", selection: .events(Array(chosen))))
            try expectEqual([receipt.events, receipt.skipped], [expected?.events, expected?.skipped], "the replay")
        } catch ProtocolRefusal.nothingToReplay {
            try expect(expected == nil, "the replay was refused, expected \(String(describing: expected))")
        }
    }

    private mutating func resume() async throws {
        guard model.handedOver > 0 else { return }
        note("resume")
        _ = try await harness.store.resume(ResumeOrder(cursor: cursor, actor: "model", reason: "random"))
        model.resumeInForce = true
    }

    private mutating func waitAndJudge() async throws {
        let minutes = Int64.random(in: -30...20, using: &random)
        note("\(minutes) minutes pass, then overdue events are judged")
        setUp.clock.move(by: .seconds(60 * minutes))
        try await harness.store.judgeOverdue()
        model.judgeOverdue(at: setUp.clock.now)
    }

    private mutating func restart() async throws {
        note("restart")
        try await harness.restart()
    }

    private func compare() async throws {
        let status = try await harness.store.status()
        let found = status.sources.first { $0.id == cursor.source }?.cursors
            .first { $0.consumer == cursor.consumer }?.counts
        if let found { try expectEqual(found, model.counts, "counts per state") }
        for place in model.events.indices.suffix(6) {
            let state = try await harness.store.state(of: model.events[place], for: cursor.consumer)
            try expectEqual(state, model.state(place), "state of \(model.events[place])")
        }
    }

    private mutating func note(_ step: String) { history.append("\(history.count): \(step)") }
}

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c): small, and the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
