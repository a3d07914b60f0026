import EventQueue
import Foundation
import GRDB

/// A row of `quarantine`, as far as an order about it goes on record.
struct KeptRow {
    private let id: Int64
    let source: Int64
    private let receivedAt: String
    private let reason: String
    private let bodyFingerprint: Data
    private let bodyBytes: Int

    /// - Returns: `nil` when there is none of this number.
    static func find(_ id: Int64, in database: Database) throws -> KeptRow? {
        try database.first(
            """
            SELECT id, source_id, received_at, reason, body_sha256, length(body) AS bytes FROM quarantine
            WHERE id = ?
            """, [id]
        ).map { row in
            KeptRow(
                id: row["id"], source: row["source_id"], receivedAt: row["received_at"], reason: row["reason"],
                bodyFingerprint: row["body_sha256"], bodyBytes: row["bytes"])
        }
    }

    /// Takes the request out, and its share out of the counts.
    func remove(in database: Database) throws {
        try database.run("DELETE FROM quarantine WHERE id = ?", [id])
        try database.run(
            """
            UPDATE source SET quarantined = quarantined - 1, quarantined_bytes = quarantined_bytes - ? WHERE id = ?
            """, [bodyBytes, source])
    }

    /// Keeps the request for another reason than before.
    func keep(as refusal: QuarantinedRequest.Refusal, in database: Database) throws {
        try database.run(
            "UPDATE quarantine SET reason = ?, detail = ? WHERE id = ?", [refusal.code, refusal.detail, id])
    }

    func record(_ order: QuarantinedRequest.Retry, as results: [Appended], at time: Timestamp, in database: Database)
        throws
    {
        let events = results.map { result in
            switch result {
            case .stored(let id), .duplicate(let id), .conflict(let id): id.rawValue
            }
        }
        try insert(.retried, order.actor, order.reason, events: events, at: time, in: database)
    }

    /// A refusal that says what the last order about the request says is no news: somebody may have a retry run every
    /// minute, and the record is never pruned.
    func record(
        _ order: QuarantinedRequest.Retry, as refusal: QuarantinedRequest.Refusal, at time: Timestamp,
        in database: Database
    ) throws {
        let last = try database.first(
            """
            SELECT action, actor, reason, rejection FROM quarantine_order WHERE quarantine_id = ?
            ORDER BY id DESC LIMIT 1
            """, [id])
        let repeats = last.map { last in
            last["action"] == QuarantinedRequest.Order.Action.refused.rawValue && last["actor"] == order.actor
                && last["reason"] == order.reason && last["rejection"] == refusal.code
        }
        if repeats == true { return }
        try insert(.refused, order.actor, order.reason, rejection: refusal.code, at: time, in: database)
    }

    func record(_ order: QuarantinedRequest.Discard, at time: Timestamp, in database: Database) throws {
        try insert(.discarded, order.actor, order.reason, at: time, in: database)
    }

    private func insert(
        _ action: QuarantinedRequest.Order.Action, _ actor: String, _ why: String?, rejection: String? = nil,
        events: [String]? = nil, at time: Timestamp, in database: Database
    ) throws {
        // Ids are letters and digits, so nothing in them has to be escaped.
        let list = events.map { "[" + $0.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
        try database.run(
            """
            INSERT INTO quarantine_order (quarantine_id, source_id, action, actor, reason, ordered_at, received_at,
                rejection, body_sha256, event_id, event_ids)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                id, source, action.rawValue, actor, why, time.iso8601, receivedAt, rejection ?? reason,
                bodyFingerprint, events?.first, list,
            ])
    }
}

extension QuarantinedRequest.Order {
    /// `nil` for a row that no service of ours wrote.
    init?(_ row: Row) {
        guard let action = Action(rawValue: row["action"]) else { return nil }
        let list = row["event_ids"] as String? ?? "[]"
        let names = (try? JSONDecoder().decode([String].self, from: Data(list.utf8))) ?? []
        self.init(
            action: action, actor: row["actor"], reason: row["reason"], orderedAt: row["ordered_at"],
            rejection: row["rejection"], events: names.compactMap { Event.ID($0) })
    }
}
