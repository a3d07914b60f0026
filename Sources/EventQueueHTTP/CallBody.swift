import EventQueue
import FoundationEssentials

/// A call's body is not what the call takes; `detail` names the member and never quotes a value.
struct BadRequest: Error {
    let detail: String
}

/// Reads the bodies of the consumer API.
enum CallBody {
    /// Decodes `body` strictly: a number is no text, and no body is the empty object.
    ///
    /// - Parameter members: The members there may be, where a misspelt one must not be passed over: an order
    ///   with a wrong `dry_run` would be carried out. `nil` lets callers be newer than the service.
    static func decode<Body: Decodable>(
        _ type: Body.Type, from body: [UInt8], members: Set<String>? = nil
    ) throws(BadRequest) -> Body {
        let body = body.isEmpty ? Array("{}".utf8) : body
        do {
            let text = try JSONText(body)
            guard text.root.kind == .object else {
                throw BadRequest(detail: "The body must be a JSON object.")
            }
            if let members { try check(text.members.map(text.name(of:)), against: members) }
            return try JSONDecoder().decode(type, from: Data(body))
        } catch let error as BadRequest {
            throw error
        } catch let error as JSONError {
            throw BadRequest(detail: "The body is not JSON: \(error).")
        } catch {
            throw BadRequest(detail: describe(error as? DecodingError))
        }
    }

    private static func check(_ names: [String], against members: Set<String>) throws(BadRequest) {
        guard let unknown = names.first(where: { !members.contains($0) }) else { return }
        throw BadRequest(
            detail:
                "Unknown member `\(unknown.prefix(64))`; there may be: "
                + members.sorted().joined(separator: ", ")
        )
    }

    private static func describe(_ error: DecodingError?) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "The member `\(name(context.codingPath + [key]))` is missing."
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "The member `\(name(context.codingPath))` has a wrong type or value."
        default:
            "The body is not what this call takes."
        }
    }

    private static func name(_ path: [any CodingKey]) -> String {
        path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}

struct SessionBody: Decodable {
    let engine: String
    let settles: Bool?
    let start: String?
}

struct CloseBody: Decodable {
    let session: String
}

struct PollBody: Decodable {
    let checkpoint: String?
    let session: String?
    let limit: Int?
    let wait: Int64?

    enum CodingKeys: String, CodingKey {
        case checkpoint, session, limit
        case wait = "wait_ms"
    }
}

struct SettleBody: Decodable {
    struct Report: Decodable {
        let eventID: String
        let outcome: String
        let detail: String?

        enum CodingKeys: String, CodingKey {
            case eventID = "event_id"
            case outcome, detail
        }
    }

    let session: String?
    let outcomes: [Report]
}

struct ResumeBody: Decodable {
    static let members: Set = ["actor", "reason", "skip_through"]

    let actor: String
    let reason: String
    let skipThrough: String?

    enum CodingKeys: String, CodingKey {
        case actor, reason
        case skipThrough = "skip_through"
    }
}

struct ReplayBody: Decodable {
    static let members: Set = ["consumer", "actor", "reason", "select", "dry_run", "idempotency_key"]

    let consumer: String
    let actor: String
    let reason: String
    let select: Select
    let dryRun: Bool?
    let idempotencyKey: String?

    enum CodingKeys: String, CodingKey {
        case consumer, actor, reason, select
        case dryRun = "dry_run"
        case idempotencyKey = "idempotency_key"
    }

    struct Select: Decodable {
        let source: String
        let eventIDs: [String]?
        let state: String?
        let fromSeq: Int64?
        let toSeq: Int64?
        let since: String?
        let until: String?
        let batch: Int64?

        enum CodingKeys: String, CodingKey {
            case source, state, since, until, batch
            case eventIDs = "event_ids"
            case fromSeq = "from_seq"
            case toSeq = "to_seq"
        }
    }
}

extension ReplayBody.Select {
    /// Which events are meant; exactly one way of naming them may be used.
    func selection() throws -> Replay.Selection {
        let choices = try [events(), state.map(inDoubt), sequences(), received(), batch.map(batchNumber)]
            .compactMap(\.self)
        guard choices.count == 1, let choice = choices.first else {
            throw BadRequest(
                detail:
                    "`select` takes exactly one of: event_ids, state, from_seq and to_seq, since and until, "
                    + "batch."
            )
        }
        return choice
    }

    private func events() throws -> Replay.Selection? {
        guard let eventIDs else { return nil }
        guard (1...Self.eventIDsMax).contains(eventIDs.count) else {
            throw BadRequest(detail: "`select.event_ids` takes 1 to \(Self.eventIDsMax) ids.")
        }
        return .events(
            try eventIDs.map { text in
                guard let id = Event.ID(text) else { throw ProtocolRefusal.eventUnknown }
                return id
            })
    }

    /// More are a range; an order is recorded as it was given.
    private static let eventIDsMax = 1000

    private func inDoubt(_ state: String) throws -> Replay.Selection {
        guard state == Event.State.inDoubt.rawValue else {
            throw BadRequest(detail: "`select.state` can only be in_doubt.")
        }
        return .inDoubt
    }

    private func sequences() throws -> Replay.Selection? {
        if fromSeq == nil, toSeq == nil { return nil }
        guard let fromSeq, let toSeq, fromSeq <= toSeq else {
            throw BadRequest(detail: "`select.from_seq` and `select.to_seq` go together, the smaller first.")
        }
        return .sequences(Event.Sequence(rawValue: fromSeq)...Event.Sequence(rawValue: toSeq))
    }

    private func received() throws -> Replay.Selection? {
        if since == nil, until == nil { return nil }
        guard let since = since.flatMap(Timestamp.init(iso8601:)),
            let until = until.flatMap(Timestamp.init(iso8601:)),
            since < until
        else {
            throw BadRequest(
                detail:
                    "`select.since` and `select.until` go together, ISO 8601 with a zone, the earlier first.")
        }
        return .received(since..<until)
    }

    private func batchNumber(_ number: Int64) throws -> Replay.Selection {
        guard number >= 1 else { throw BadRequest(detail: "`select.batch` is 1 or more.") }
        return .batch(Batch.Number(rawValue: number))
    }
}
