import EventQueue
import FoundationEssentials
import Logging

/// The calls about requests that could not become events.
extension ConsumerAPI {
    func quarantine(_ query: Query) async throws -> Answer {
        try query.check(["source", "after", "limit"])
        let source = try query.value("source", Self.nameForm) { Source.ID($0) }
        let after = try query.value("after", "a number of the quarantine") { Int64($0) }
        let limit = try query.limit()
        let kept = try await store.quarantined(of: source, after: after, limit: limit)
        let next = kept.count == limit ? kept.last.map { JSON.integer($0.id) } : nil
        return .json(200, ["quarantine": .list(kept.map(\.json)), "next": next ?? .null])
    }

    func quarantined(_ id: String) async throws -> Answer {
        guard let kept = try await find(id) else { return Self.notKept }
        return .json(200, kept.detailedJSON)
    }

    /// Makes an event of a kept request, with its source as it is configured now.
    func retry(_ id: String, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(RetryBody.self, from: bytes, members: RetryBody.members)
        let actor = try Self.note(body.actor, "actor")
        guard let kept = try await find(id) else { return Self.notKept }
        guard let source = sources.find(kept.source.rawValue) else {
            return .problem(
                404, "unknown_source", title: "The source \(kept.source) is not configured any more.",
                detail: "Configure it again, or discard the request.")
        }
        guard let request = kept.verified(keepsKey: body.newKey != true) else {
            return Self.stillRejected("damaged", "The kept body no longer has the hash it was stored with.")
        }
        let events: [NewEvent]
        do throws(Rejection) {
            events = try source.normaliseAll(request, nextID: ids.next)
        } catch {
            return Self.stillRejected(error.code, error.detail)
        }
        guard let results = try await store.release(kept.id, as: events) else { return Self.notKept }
        return answer(to: results, of: kept, actor)
    }

    func discard(_ id: String, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(DiscardBody.self, from: bytes, members: DiscardBody.members)
        let actor = try Self.note(body.actor, "actor")
        let reason = try Self.note(body.reason, "reason")
        guard let kept = try await find(id), try await store.discard(kept.id) else { return Self.notKept }
        logger.notice(
            "a request in quarantine was discarded",
            metadata: ["id": "\(kept.id)", "source": "\(kept.source)", "actor": "\(actor)", "reason": "\(reason)"])
        return .json(200, [:])
    }

    private func answer(to results: [Appended], of kept: QuarantinedRequest, _ actor: String) -> Answer {
        var stored: [JSON] = []
        var duplicates = 0
        for result in results {
            switch result {
            case .stored(let id): stored.append(.text(id.rawValue))
            case .duplicate(let id):
                stored.append(.text(id.rawValue))
                duplicates += 1
            case .conflict(let first):
                let rejection = Rejection.idempotencyConflict(first: first)
                return Self.stillRejected(
                    rejection.code, rejection.detail + " Send `new_key`: true to store it beside that one.")
            }
        }
        logger.notice(
            "a request in quarantine became an event",
            metadata: ["id": "\(kept.id)", "source": "\(kept.source)", "actor": "\(actor)"])
        return .json(
            200,
            [
                "event_id": stored.first ?? .null, "event_ids": .list(stored),
                "duplicate": .bool(!results.isEmpty && duplicates == results.count),
            ])
    }

    private func find(_ id: String) async throws -> QuarantinedRequest? {
        guard let number = Int64(id) else { return nil }
        return try await store.quarantined(number)
    }

    private static let notKept = Answer.problem(
        404, "unknown_quarantine", title: "No request of this number is in quarantine.",
        detail: "orgloop-queue quarantine list shows those that are.")

    private static func stillRejected(_ reason: String, _ detail: String) -> Answer {
        .problem(
            422, "still_rejected", title: "The request still cannot become an event (\(reason)).",
            detail: detail)
    }
}

extension QuarantinedRequest {
    /// What a listing says.
    fileprivate var json: JSON { .object(members) }

    /// That, and what the request was.
    fileprivate var detailedJSON: JSON {
        let body = body ?? []
        let text = String(validating: body, as: UTF8.self)
        return .object(
            members + [
                ("headers", .stored(Array(headersJSON.utf8))), ("body", .textOrNull(text)),
                ("body_base64", .text(Data(body).base64EncodedString())),
            ])
    }

    private var members: [(name: String, value: JSON)] {
        [
            ("id", .integer(id)), ("source", .text(source.rawValue)), ("received_at", .text(receivedAt)),
            ("reason", .text(reason)), ("detail", .text(detail)), ("verification", .text(verification)),
            ("key_id", .textOrNull(keyID)), ("idempotency_key", .textOrNull(idempotencyKey)),
            ("body_sha256", .textOrNull(bodyFingerprint?.description)), ("bytes", .integer(bodyBytes)),
        ]
    }
}

struct RetryBody: Decodable {
    static let members: Set = ["actor", "reason", "new_key"]

    let actor: String
    let reason: String?
    /// Whether it is stored under no idempotency key, because its own belongs to another event.
    let newKey: Bool?

    enum CodingKeys: String, CodingKey {
        case actor, reason
        case newKey = "new_key"
    }
}

struct DiscardBody: Decodable {
    static let members: Set = ["actor", "reason"]

    let actor: String
    let reason: String
}
