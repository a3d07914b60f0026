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
        let found: [QuarantinedRequest]
        do {
            // One more than is shown tells whether there is a next page.
            found = try await store.quarantined(of: source, after: after, limit: limit + 1)
        } catch ProtocolRefusal.sourceUnknown {
            return .problem(
                404, ProtocolRefusal.sourceUnknown.code, title: ProtocolRefusal.sourceUnknown.explanation,
                detail: "orgloop-queue status lists those there are.")
        }
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last.map { JSON.integer($0.id) } : nil
        return .json(200, ["quarantine": .list(page.map(\.json)), "next": next ?? .null])
    }

    func quarantined(_ id: String) async throws -> Answer {
        guard let kept = try await find(id) else { return try await notKept(id) }
        return .json(200, kept.detailedJSON(try await store.quarantineOrders(about: kept.id)))
    }

    /// Makes an event of a kept request, with its source as it is configured now.
    func retry(_ id: String, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(RetryBody.self, from: bytes, members: RetryBody.members)
        let actor = try Self.note(body.actor, "actor")
        let reason = try body.reason.map { reason throws(BadRequest) in try Self.note(reason, "reason") }
        guard let kept = try await find(id) else { return try await notKept(id) }
        let order = QuarantinedRequest.Retry(request: kept.id, actor: actor, reason: reason)
        guard let source = sources.find(kept.source.rawValue) else {
            return .problem(
                404, ProtocolRefusal.sourceUnknown.code,
                title: "The source \(kept.source) is not configured any more.",
                detail: "Configure it again, or discard the request.")
        }
        guard let request = kept.verified(body.newKey == true ? .waivingKey : .keepingKey) else {
            return try await refuse(order, .damaged)
        }
        let events: [NewEvent]
        do throws(Rejection) {
            events = try source.normaliseAll(request, nextID: ids.next)
        } catch {
            return try await refuse(order, .init(error))
        }
        guard let results = try await store.release(order, as: events) else { return try await notKept(id) }
        if case .conflict(let first) = results.last {
            return try await refuse(
                order, .init(.idempotencyConflict(first: first)),
                hint: " Send `new_key`: true (quarantine retry --new-key) to store it beside that one.")
        }
        logger.notice("a request in quarantine became an event", metadata: Self.metadata(kept, actor, reason))
        return Self.answer(to: results)
    }

    func discard(_ id: String, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(DiscardBody.self, from: bytes, members: DiscardBody.members)
        let actor = try Self.note(body.actor, "actor")
        let reason = try Self.note(body.reason, "reason")
        guard let kept = try await find(id),
            try await store.discard(.init(request: kept.id, actor: actor, reason: reason))
        else { return try await notKept(id) }
        logger.notice("a request in quarantine was discarded", metadata: Self.metadata(kept, actor, reason))
        return .json(200, [:])
    }

    private static func answer(to results: [Appended]) -> Answer {
        let events = results.map { result in
            switch result {
            case .stored(let id), .duplicate(let id), .conflict(let id): JSON.text(id.rawValue)
            }
        }
        let duplicates = results.count { if case .duplicate = $0 { true } else { false } }
        return .json(
            200,
            [
                "event_id": events.first ?? .null, "event_ids": .list(events),
                "duplicate": .bool(!results.isEmpty && duplicates == results.count),
            ])
    }

    /// - Parameter hint: What the caller can do about it beyond mending the source.
    private func refuse(
        _ order: QuarantinedRequest.Retry, _ refusal: QuarantinedRequest.Refusal, hint: String = ""
    ) async throws -> Answer {
        guard try await store.refuse(order, as: refusal) else { return try await notKept(String(order.request)) }
        return .problem(
            422, refusal.code, title: "The request still cannot become an event.", detail: refusal.detail + hint)
    }

    private func find(_ id: String) async throws -> QuarantinedRequest? {
        guard let number = Int64(id) else { return nil }
        return try await store.quarantined(number)
    }

    /// Whoever comes second, or never saw the answer to a call that was carried out, learns what became of it.
    private func notKept(_ id: String) async throws -> Answer {
        var last: QuarantinedRequest.Order?
        if let number = Int64(id) { last = try await store.quarantineOrders(about: number).last }
        let detail =
            last?.end ?? "orgloop-queue quarantine list shows those that are; the oldest make room for newer ones."
        return .problem(
            404, "unknown_quarantine", title: "No request of this number is in quarantine.", detail: detail)
    }

    private static func metadata(_ kept: QuarantinedRequest, _ actor: String, _ reason: String?) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["id": "\(kept.id)", "source": "\(kept.source)", "actor": "\(actor)"]
        if let reason { metadata["reason"] = "\(reason)" }
        return metadata
    }
}

extension QuarantinedRequest {
    /// What a listing says.
    fileprivate var json: JSON { .object(members) }

    /// That, what the request was, and what was ordered about it.
    fileprivate func detailedJSON(_ orders: [Order]) -> JSON {
        let body = body ?? []
        let text = String(validating: body, as: UTF8.self)
        return .object(
            members + [
                ("headers", .stored(Array(headersJSON.utf8))), ("body", .textOrNull(text)),
                ("body_base64", .text(Data(body).base64EncodedString())), ("orders", .list(orders.map(\.json))),
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

extension QuarantinedRequest.Order {
    fileprivate var json: JSON {
        [
            "action": .text(action.rawValue), "actor": .text(actor), "reason": .textOrNull(reason),
            "ordered_at": .text(orderedAt), "rejection": .text(rejection),
            "event_ids": .list(events.map { .text($0.rawValue) }),
        ]
    }

    /// How it ended the request's stay, for a person; `nil` when it did not.
    fileprivate var end: String? {
        switch action {
        case .refused: nil
        case .discarded: "\(actor) discarded it at \(orderedAt): \(reason ?? "")"
        case .retried:
            "\(actor) retried it at \(orderedAt); it became \(events.map(\.rawValue).joined(separator: ", "))."
        }
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
