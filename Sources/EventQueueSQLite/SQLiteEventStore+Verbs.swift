public import EventQueue
import GRDB
import Logging

extension SQLiteEventStore {
    public func append(_ event: NewEvent) async throws -> Appended {
        try await withCheckedThrowingContinuation { continuation in
            writer.append(event) { continuation.resume(with: $0) }
        }
    }

    public func append(
        _ event: NewEvent, then answer: @escaping @Sendable (Result<Appended, any Error>) -> Void
    ) {
        writer.append(event, then: answer)
    }

    public func append(_ events: [NewEvent]) async throws -> [Appended] {
        try await appending(events) { try Self.append(events, in: $0) } ?? []
    }

    /// Runs `verb`, which stores all of `events` or none, in one transaction, and wakes who waits for them.
    ///
    /// - Returns: What `verb` returns; after a conflict nothing of it is done.
    func appending(
        _ events: [NewEvent], _ verb: @escaping @Sendable (Database) throws -> [Appended]?
    ) async throws -> [Appended]? {
        let results: [Appended]?
        do {
            results = try await writer.transaction(guardian, appending: events.count, verb)
        } catch let conflict as Conflict {
            return conflict.results
        }
        guard let results else { return nil }
        guardian.noteStored(results.count { if case .stored = $0 { true } else { false } })
        for source in Set(events.map(\.source)) { doorbell.ring(source) }
        return results
    }

    /// Undoes the transaction.
    private struct Conflict: Error {
        let results: [Appended]
    }

    /// Stores all of `events`; a conflict throws, so that the transaction ends with nothing done.
    static func append(_ events: [NewEvent], in database: Database) throws -> [Appended] {
        var results: [Appended] = []
        var insertion = try EventInsertion(in: database)
        for event in events {
            let appended = try insertion.append(event)
            results.append(appended)
            if case .conflict = appended { throw Conflict(results: results) }
        }
        try insertion.finish()
        return results
    }

    public func openSession(_ request: SessionRequest) async throws -> Session.ID {
        let time = clock()
        guard let name = Session.ID(Self.madeName("ses_")) else { preconditionFailure("made names are valid") }
        let replaysDoubt = configuration.whenInDoubt[request.cursor.consumer] == .replay
        let replay = Self.replayName()
        try await write { database in
            let cursor = try CursorRow.findOrMake(request.cursor, start: request.start, at: time, in: database)
            try SessionRow.open(name, request, of: cursor, at: time, in: database)
            if replaysDoubt {
                try AutomaticReplay(cursor: cursor, key: request.cursor, name: replay, time: time).run(in: database)
            }
        }
        // Polls of the fenced session wait no longer.
        doorbell.ring(request.cursor.source)
        return name
    }

    public func closeSession(_ session: Session.ID, of key: EventQueue.Cursor.Key) async throws {
        let time = clock()
        try await write { database in
            guard let cursor = try CursorRow.find(key, in: database),
                let row = try SessionRow.find(session, of: cursor, in: database)
            else { throw ProtocolRefusal.sessionUnknown }
            switch row["ended_by"] as String? {
            case nil:
                try SessionRow.end(row["id"], by: "closed", of: cursor, at: time, in: database)
            case "closed": break
            default: throw ProtocolRefusal.sessionFenced
            }
        }
        doorbell.ring(key.source)
    }

    public func poll(_ request: PollRequest) async throws -> PollAnswer {
        let poll = Poll(
            request: request, lineage: lineage,
            onRegressed: configuration.onRegressed[request.cursor.consumer] ?? .resume,
            automaticReplay: configuration.whenInDoubt[request.cursor.consumer] == .replay ? Self.replayName() : nil,
            time: clock(),
            nonce: .random(in: .min ... .max), logger: logger)
        let answer = try await write { try poll.run(in: $0) }
        if let warning = answer.warning {
            logger.warning(
                "the engine presented an older checkpoint: nothing was emitted again",
                metadata: [
                    "code": "\(warning.rawValue)", "consumer": "\(request.cursor.consumer)",
                    "source": "\(request.cursor.source)",
                ])
        }
        return answer
    }

    public func settle(_ reports: [OutcomeReport], of key: EventQueue.Cursor.Key, session: Session.ID?) async throws
        -> Settlement
    {
        let time = clock()
        return try await write { database in
            guard let cursor = try CursorRow.find(key, in: database) else {
                guard session == nil else { throw ProtocolRefusal.sessionUnknown }
                return Settlement(settled: 0, unknown: reports.map(\.eventID))
            }
            let row = try session.map { try SessionRow.find($0, of: cursor, in: database) }
            if let row, row == nil { throw ProtocolRefusal.sessionUnknown }
            return try Settle(cursor: cursor, session: row??["id"], time: time).run(reports, in: database)
        }
    }

    public func resume(_ order: ResumeOrder) async throws -> ResumeOrder.Receipt {
        let time = clock()
        let receipt = try await write { database in
            let isNewReader = try CursorRow.find(order.cursor, in: database) == nil
            let cursor = try CursorRow.findOrMake(order.cursor, start: .beginning, at: time, in: database)
            let passed = try ResumeRow.record(order, of: cursor, at: time, in: database)
            return ResumeOrder.Receipt(passedOver: passed, isNewReader: isNewReader)
        }
        doorbell.ring(order.cursor.source)
        return receipt
    }

    public func replay(_ order: Replay.Order) async throws -> Replay.Receipt {
        let time = clock()
        let name = Self.replayName()
        let receipt = try await write { database in
            guard let cursor = try CursorRow.find(order.cursor, in: database) else {
                throw ProtocolRefusal.consumerUnknown
            }
            return try ReplayOrder(order: order, name: name, cursor: cursor, time: time).run(in: database)
        }
        doorbell.ring(order.cursor.source)
        return receipt
    }

    public func dropConsumer(_ order: ConsumerDrop) async throws -> ConsumerDrop.Receipt {
        let time = clock()
        let receipt = try await write { try DropOrder(order: order, time: time).run(in: $0) }
        // Whoever waits under that name learns that its session is gone.
        for source in configuration.sources { doorbell.ring(source) }
        return receipt
    }

    @discardableResult
    public func judgeOverdue() async throws -> Int {
        let time = clock()
        let limit = time.advanced(by: .zero - configuration.limits.settleAfterMax)
        return try await write { database in
            let overdue = try database.all(
                """
                SELECT batch.id, batch.cursor_id, cursor.source_id, cursor.start_seq, cursor.position
                FROM session
                JOIN batch ON batch.session_id = session.id AND batch.judged_at IS NULL
                JOIN cursor ON cursor.id = batch.cursor_id
                WHERE session.ended_at IS NULL AND session.settles AND batch.confirmed_at <= ?
                """, [limit.iso8601])
            return try overdue.reduce(0) { count, row in
                let cursor = CursorRow(
                    id: row["cursor_id"], source: row["source_id"], startSequence: row["start_seq"],
                    position: row["position"])
                let judge = Judge(cursor: cursor, time: time)
                return try count + judge.doubt(row["id"], from: .confirmed, in: database)
            }
        }
    }

    func write<Result: Sendable>(_ verb: @escaping @Sendable (Database) throws -> Result) async throws
        -> Result
    {
        try await writer.transaction(guardian, verb)
    }

    func read<Result: Sendable>(_ question: @escaping @Sendable (Database) throws -> Result) async throws
        -> Result
    {
        do {
            return try await pool.read { [guardian] database in
                try guardian.judging { try question(database) }
            }
        } catch let error as DatabaseError {
            // GRDB begins a transaction before it calls, and may read the first page for that.
            throw guardian.judgeFromAfar(error)
        }
    }

    private static func replayName() -> Replay.ID {
        guard let name = Replay.ID(madeName("rpl_")) else { preconditionFailure("made names are valid") }
        return name
    }

    /// `prefix` and 16 random hexadecimal digits.
    private static func madeName(_ prefix: String) -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return prefix + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Logger {
    /// Tells that an event cannot be emitted because its stored bytes have changed.
    func corruptEnvelope(_ event: String) {
        error("a stored envelope does not have its hash any more and is not sent", metadata: ["event": "\(event)"])
    }
}
