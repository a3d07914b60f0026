import EventQueue
import Logging

/// The door for senders: decides what a request is answered, in terms of no HTTP library.
///
/// The answers are OrgLoop's, to the byte (DESIGN §7): its hooks and its tests read them. An object, because every
/// connection has it at hand, and each request would copy a dozen references otherwise.
final class Receiver: Sendable {
    /// What can be told from a request's head.
    enum Admission: Sendable {
        /// The body may be read.
        case admitted(Source)
        case refused(Answer)
    }

    let sources: SourceRegistry
    let store: any EventStore
    let ids: EventIDGenerator
    let health: Health
    let settings: Current<Limits.Settings>
    let now: TimeSource
    let metrics: Metrics
    let logger: Logger
    let unverified = UnverifiedSample()
    let rejections = RejectionLog()
    let troubles = StoreTroubleLog()

    init(
        sources: SourceRegistry, store: any EventStore, ids: EventIDGenerator, health: Health,
        settings: Current<Limits.Settings>, now: @escaping TimeSource, metrics: Metrics, logger: Logger
    ) {
        self.sources = sources
        self.store = store
        self.ids = ids
        self.health = health
        self.settings = settings
        self.now = now
        self.metrics = metrics
        self.logger = logger
    }

    /// The bounds that hold at this moment.
    var limits: Limits.Settings { settings.value }

    /// Checks everything that needs no body, so that nobody sends one in vain.
    func admit(method: String, source name: String, headers: some HeaderLookup) -> Admission {
        guard method == "POST" else {
            return .refused(.json(405, ["error": "Method not allowed"]).with("Allow", "POST"))
        }
        guard let source = sources.find(name) else {
            return .refused(
                .json(404, ["error": .text("Unknown source: \(name.prefix(Self.namedLengthMax))")])
                    .because(.unknownSource))
        }
        if let encoding = headers.contentCoding {
            return .refused(reject(source, "encoding", Self.encoded(encoding).because(.contentEncoding)))
        }
        guard headers.declaredLength ?? 0 <= limits.bodyBytesMax else { return .refused(tooLarge(source)) }
        guard !health.isStopping else {
            return .refused(Self.unavailable("Shutting down", "shutting_down", 5).because(.shuttingDown))
        }
        return .admitted(source)
    }

    /// What is to be done with a request.
    enum Judgement: Sendable {
        case answered(Answer)
        /// To be stored; the request is the one that it was made of.
        case event(NewEvent, VerifiedRequest)
        case batch([NewEvent], VerifiedRequest)
        case rejected(VerifiedRequest, Rejection)
    }

    /// Verifies and normalises one request: the part of the work that needs no store.
    ///
    /// - Parameter sentAt: When it left its sender, if it waited on its way.
    func judge(
        _ source: Source, headers: some HeaderLookup, body: [UInt8], sentAt: Timestamp? = nil
    ) -> Judgement {
        let verified: VerifiedRequest
        do {
            let request = EventQueue.Request(body: body, headers: headers, receivedAt: now(), sentAt: sentAt)
            verified = try source.verifier.verify(request)
        } catch {
            unverified.note(source.id, error, headers, at: now(), to: logger)
            return .answered(
                reject(source, "unverified", .json(401, ["error": .text(error.message)]).because(.unverified)))
        }
        if let handshake = Handshake(verified) {
            metrics.received(by: source.id, result: "handshake")
            let type = Answer.Field(name: "Content-Type", value: "text/plain; charset=utf-8")
            return .answered(Answer(status: 200, fields: [type], body: handshake.answer))
        }
        do {
            let events = try source.normaliseAll(verified, nextID: ids.next)
            guard events.count == 1, let event = events.first else { return .batch(events, verified) }
            return .event(event, verified)
        } catch {
            return .rejected(verified, error)
        }
    }

    /// Says what became of the event that a request was made.
    func judge(
        _ result: Result<Appended, any Error>, of event: NewEvent, from request: VerifiedRequest, _ source: Source
    ) -> Judgement {
        switch result {
        case .success(.stored(let id)):
            metrics.received(by: source.id, result: "stored")
            return .answered(event.isHook ? Answer(status: 200) : .stored(id, isDuplicate: false))
        case .success(.duplicate(let id)):
            metrics.received(by: source.id, result: "duplicate")
            return .answered(event.isHook ? Answer(status: 200) : .stored(id, isDuplicate: true))
        case .success(.conflict(let id)):
            // A batch of one is kept as the batch that it is: its only part alone could never be retried.
            let kept = event.request.body == request.body ? event.request : request
            return .rejected(kept, .idempotencyConflict(first: id))
        case .failure(let error):
            return .answered(failed(source, error))
        }
    }

    /// Does what is to be done with a request; the answer is true once it is given.
    func conclude(_ judgement: Judgement, of source: Source) async -> Answer {
        switch judgement {
        case .answered(let answer): return answer
        case .rejected(let request, let rejection): return await quarantine(request, of: source, rejection)
        case .event(let event, let request):
            let result: Result<Appended, any Error>
            do {
                result = .success(try await store.append(event))
            } catch {
                result = .failure(error)
            }
            return await conclude(judge(result, of: event, from: request, source), of: source)
        case .batch(let events, let request):
            do {
                return try await append(events, from: request, of: source)
            } catch {
                return failed(source, error)
            }
        }
    }

    /// Verifies, normalises and stores one request; the answer is true once it is given.
    ///
    /// - Parameter sentAt: When it left its sender, if it waited on its way.
    func receive(
        _ source: Source, headers: some HeaderLookup, body: [UInt8], sentAt: Timestamp? = nil
    ) async -> Answer {
        await conclude(judge(source, headers: headers, body: body, sentAt: sentAt), of: source)
    }

    /// Several events of one request: all of them are stored, or none.
    private func append(_ events: [NewEvent], from request: VerifiedRequest, of source: Source) async throws -> Answer {
        var ids: [JSON] = []
        var duplicates = 0
        for result in try await store.append(events) {
            switch result {
            case .stored(let id): ids.append(.text(id.rawValue))
            case .duplicate(let id):
                ids.append(.text(id.rawValue))
                duplicates += 1
            case .conflict(let id):
                return await quarantine(request, of: source, .idempotencyConflict(first: id))
            }
        }
        metrics.received(by: source.id, result: "stored", count: ids.count - duplicates)
        metrics.received(by: source.id, result: "duplicate", count: duplicates)
        return .json(200, ["ok": true, "event_ids": .list(ids), "duplicates": .integer(duplicates)])
    }

    /// The answer to a body over the limit.
    func tooLarge(_ source: Source) -> Answer {
        let detail = "A body may have \(limits.bodyBytesMax) bytes; `limits.body_bytes_max` sets it."
        return reject(
            source, "too_large",
            .json(413, ["error": "Payload too large", "detail": .text(detail)]).because(.bodyTooLarge))
    }

    /// The answer to a body that did not arrive in time.
    func tooSlow(_ source: Source) -> Answer {
        reject(
            source, "timeout",
            .json(408, ["error": "Request timeout", "detail": "The body did not arrive in time."])
                .because(.bodyTimeout))
    }

    /// The answer while all bodies together take the memory they may.
    static let busy = unavailable("Too many requests at once", "busy", 1).because(.inFlightBytes)

    /// What is named of a sender's own words, so that an answer does not grow with a question.
    static let namedLengthMax = 128

    private func quarantine(_ request: VerifiedRequest, of source: Source, _ rejection: Rejection) async
        -> Answer
    {
        do {
            try await store.quarantine(
                RejectedRequest(source: source.id, request: request, rejection: rejection))
        } catch {
            return failed(source, error)
        }
        return reject(source, rejection.code, Self.answer(to: rejection))
    }

    private func reject(_ source: Source, _ code: String, _ answer: Answer) -> Answer {
        metrics.received(by: source.id, result: code)
        rejections.note(source.id, code, at: now(), to: logger)
        return answer
    }

    private func failed(_ source: Source, _ error: any Error) -> Answer {
        metrics.received(by: source.id, result: "failed")
        let trouble = StoreTrouble(error)
        troubles.note(trouble, at: now(), to: logger)
        return trouble.receiverAnswer
    }

    private static func answer(to rejection: Rejection) -> Answer {
        let detail = JSON.text(rejection.detail)
        return switch rejection {
        case .invalidJSON:
            .json(400, ["error": "Invalid JSON payload", "detail": detail])
        case .missingField(let name, _):
            .json(400, ["error": .text("Missing required field: \(name)"), "detail": detail])
        case .missingHeader(let name):
            .json(400, ["error": .text("Missing \(name) header"), "detail": detail])
        case .idempotencyConflict(let first):
            .json(
                422,
                [
                    "error": "Idempotency key reused with a different body",
                    "event_id": .text(first.rawValue),
                    "detail": detail,
                ])
        }
    }

    private static func encoded(_ encoding: String) -> Answer {
        .json(
            415,
            [
                "error": .text("Unsupported Content-Encoding: \(encoding)"),
                "detail": "Send the body as it is: signatures cover the bytes that are sent.",
            ])
    }

    private static func unavailable(_ error: String, _ code: String, _ seconds: Int) -> Answer {
        .json(503, ["error": .text(error), "code": .text(code)]).with("Retry-After", String(seconds))
    }
}

extension Answer {
    /// The answer to an event that is stored, by this request or by the one before it. Its bytes are a contract.
    fileprivate static func stored(_ id: Event.ID, isDuplicate: Bool) -> Answer {
        var json = JSONBytes(capacity: 80)
        json.literal(#"{"ok":true,"event_id":"#)
        json.string(id.rawValue)
        json.literal(isDuplicate ? #","duplicate":true}"# : "}")
        return Answer(
            status: 200, fields: [Field(name: "Content-Type", value: "application/json")], body: json.bytes)
    }
}

extension HeaderLookup {
    /// How many bytes the body is said to have; `nil` where nothing is said.
    var declaredLength: Int? { values(of: "content-length").first.map { DeclaredLength.bytes($0) } }

    /// What the body is wrapped in, cut to what may be named in an answer; `nil` for a body that is sent as it is.
    var contentCoding: String? {
        let codings = values(of: "content-encoding").flatMap { $0.split(separator: ",") }.map { $0.trimming(" \t") }
        return codings.first { $0.lowercased() != "identity" }.map { String($0.prefix(Receiver.namedLengthMax)) }
    }
}

extension Substring {
    /// The text without any of `characters` at its ends.
    func trimming(_ characters: String) -> Substring {
        var rest = drop { characters.contains($0) }
        while let last = rest.last, characters.contains(last) { rest.removeLast() }
        return rest
    }
}
