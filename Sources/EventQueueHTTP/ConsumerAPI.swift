import EventQueue
import Logging

/// The calls of consumers and operators: reads what is asked, asks the store, words the answer.
struct ConsumerAPI: Sendable {
    let store: any EventStore
    let longPoll: LongPoll
    let now: TimeSource
    /// What makes events of requests, as it is configured now.
    let sources: SourceRegistry
    let ids: EventIDGenerator
    /// What `prune` goes by when its caller names nothing.
    let retention: Current<Retention>
    /// Where the configuration is read again; `nil` where nobody does.
    let reloads: Reloads?
    let metrics: Metrics
    let logger: Logger

    /// Room for the outcomes of a largest batch, each with its detail.
    static let bodyBytesMax = 4 << 20

    /// Carries out a call that may change something; its caller has shown the token and the right method.
    func answer(_ route: Route, body: [UInt8]) async -> Answer {
        await worded {
            switch route {
            case .cursor(let consumer, let source, let call):
                try await answer(call, try Self.cursor(consumer, source), body)
            case .replays: try await replay(body)
            case .importLines: try await importLines(body)
            case .prune: try await prune(body)
            case .reload: try await reload(body)
            case .dropConsumer(let consumer): try await dropConsumer(consumer, body)
            case .retry(let id): try await retry(id, body)
            case .discard(let id): try await discard(id, body)
            default: Self.notFound
            }
        }
    }

    /// Words what is thrown.
    func worded(_ answer: () async throws -> Answer) async -> Answer {
        do {
            return try await answer()
        } catch let error as BadRequest {
            return .badRequest(error.detail)
        } catch let error as ProtocolRefusal {
            return Self.refused(error, for: nil)
        } catch {
            return StoreTrouble(error).report(to: logger).problem
        }
    }

    static let notFound = Answer.problem(
        404, "not_found", title: "No such path.", detail: "See the README for the calls there are.")

    private func answer(_ call: Route.CursorCall, _ cursor: Cursor.Key, _ body: [UInt8]) async throws
        -> Answer
    {
        do {
            switch call {
            case .openSession: return try await openSession(cursor, body)
            case .closeSession: return try await closeSession(cursor, body)
            case .poll: return try await poll(cursor, body)
            case .settle: return try await settle(cursor, body)
            case .resume: return try await resume(cursor, body)
            }
        } catch let error as ProtocolRefusal {
            metrics.refused(error)
            return Self.refused(error, for: cursor)
        }
    }

    private func openSession(_ cursor: Cursor.Key, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(SessionBody.self, from: bytes)
        guard let start = SessionRequest.Start(rawValue: body.start ?? "beginning") else {
            throw BadRequest(detail: "`start` is beginning or now.")
        }
        let request = SessionRequest(
            cursor: cursor, engine: try Self.note(body.engine, "engine"), settles: body.settles ?? false,
            start: start)
        let session = try await store.openSession(request)
        return .json(200, ["session": .text(session.rawValue)])
    }

    private func closeSession(_ cursor: Cursor.Key, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(CloseBody.self, from: bytes)
        guard let session = try Self.session(body.session) else { throw ProtocolRefusal.sessionUnknown }
        try await store.closeSession(session, of: cursor)
        return .json(200, [:])
    }

    private func poll(_ cursor: Cursor.Key, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(PollBody.self, from: bytes)
        let limit = body.limit ?? Limits.batchEventsDefault
        guard (1...Limits.batchEventsMax).contains(limit) else {
            throw BadRequest(detail: "`limit` is 1 to \(Limits.batchEventsMax).")
        }
        let wait = body.wait ?? 0
        guard (0...Limits.pollWaitMax.milliseconds).contains(wait) else {
            throw BadRequest(detail: "`wait_ms` is 0 to \(Limits.pollWaitMax.milliseconds).")
        }
        let request = PollRequest(
            cursor: cursor, checkpoint: body.checkpoint, session: try Self.session(body.session), limit: limit
        )
        let answer = try await longPoll.poll(request, wait: .milliseconds(wait))
        metrics.polled(cursor.source, answer)
        return .json(
            200,
            [
                "events": .list(answer.envelopes.map { .stored($0) }),
                "checkpoint": .textOrNull(answer.checkpoint?.description), "resent": .bool(answer.resent),
                "warning": answer.warning.map { .text($0.rawValue) } ?? .absent,
            ])
    }

    private func settle(_ cursor: Cursor.Key, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(SettleBody.self, from: bytes)
        let reports = try body.outcomes.map { report in
            guard let outcome = Outcome(rawValue: report.outcome) else {
                let allowed = Outcome.allCases.map(\.rawValue).joined(separator: ", ")
                throw BadRequest(detail: "`outcome` is one of: \(allowed).")
            }
            return OutcomeReport(eventID: report.eventID, outcome: outcome, detail: report.detail)
        }
        let session = try Self.session(body.session)
        let begin = ContinuousClock.now
        let settlement = try await store.settle(reports, of: cursor, session: session)
        metrics.settled(settlement, in: begin.duration(to: .now))
        return .json(
            200,
            ["settled": .integer(settlement.settled), "unknown": .list(settlement.unknown.map { .text($0) })])
    }

    private func resume(_ cursor: Cursor.Key, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(ResumeBody.self, from: bytes, members: ResumeBody.members)
        let skipThrough = try body.skipThrough.map { text in
            guard let id = Event.ID(text) else { throw ProtocolRefusal.eventUnknown }
            return id
        }
        let order = ResumeOrder(
            cursor: cursor, actor: try Self.note(body.actor, "actor"),
            reason: try Self.note(body.reason, "reason"),
            skipThrough: skipThrough)
        let receipt = try await store.resume(order)
        return .json(
            200, ["passed_over": .integer(receipt.passedOver), "new_reader": .bool(receipt.isNewReader)])
    }

    private func replay(_ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(ReplayBody.self, from: bytes, members: ReplayBody.members)
        let cursor = try Self.cursor(body.consumer, body.select.source)
        let key = try body.idempotencyKey.map { key in
            guard (1...Limits.idempotencyKeyLengthMax).contains(key.utf8.count) else {
                throw BadRequest(
                    detail: "`idempotency_key` has 1 to \(Limits.idempotencyKeyLengthMax) bytes.")
            }
            return key
        }
        let order = Replay.Order(
            cursor: cursor, actor: try Self.note(body.actor, "actor"),
            reason: try Self.note(body.reason, "reason"),
            selection: try body.select.selection(), dryRun: body.dryRun ?? false, idempotencyKey: key)
        do {
            let receipt = try await store.replay(order)
            return .json(
                200,
                [
                    "replay_id": .textOrNull(receipt.id?.rawValue), "events": .integer(receipt.events),
                    "skipped": .integer(receipt.skipped),
                    "event_ids": order.dryRun ? .list(receipt.preview.map { .text($0.rawValue) }) : .absent,
                ])
        } catch let error as ProtocolRefusal {
            return Self.refused(error, for: cursor)
        }
    }

    private static func cursor(_ consumer: String, _ source: String) throws(ProtocolRefusal) -> Cursor.Key {
        guard let consumer = Consumer.ID(consumer) else { throw .consumerUnknown }
        guard let source = Source.ID(source) else { throw .sourceUnknown }
        return Cursor.Key(consumer: consumer, source: source)
    }

    /// A name of another form is a session that nobody opened.
    private static func session(_ text: String?) throws(ProtocolRefusal) -> Session.ID? {
        guard let text else { return nil }
        guard let session = Session.ID(text) else { throw .sessionUnknown }
        return session
    }

    /// What people write into the audit: never empty, so that every order has somebody and a reason (I9).
    static func note(_ text: String, _ member: String) throws(BadRequest) -> String {
        guard !text.allSatisfy(\.isWhitespace), text.utf8.count <= Limits.detailLengthMax else {
            throw BadRequest(detail: "`\(member)` has 1 to \(Limits.detailLengthMax) bytes and is not blank.")
        }
        return text
    }

    private static func refused(_ refusal: ProtocolRefusal, for cursor: Cursor.Key?) -> Answer {
        let status =
            switch refusal {
            case .sourceUnknown, .consumerUnknown, .eventUnknown, .replayUnknown, .nothingToReplay: 404
            case .idempotencyConflict: 422
            case .sessionRequired, .sessionUnknown, .sessionClosed, .sessionFenced, .checkpointRegressed,
                .checkpointAhead, .lineageMismatch, .sessionOpen:
                409
            }
        let mend = cursor.map(refusal.mend(for:)) ?? "Names have 1 to 128 letters, digits, `-`, `_` and `.`."
        return .problem(status, refusal.code, title: refusal.explanation, detail: mend)
    }
}
