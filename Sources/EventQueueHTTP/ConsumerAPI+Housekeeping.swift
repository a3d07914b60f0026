import EventQueue

/// The calls with which an operator keeps the queue small.
extension ConsumerAPI {
    /// Does one slice of pruning, or tells what all of it would come to.
    func prune(_ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(PruneBody.self, from: bytes, members: PruneBody.members)
        let named = try body.retention()
        let retention = named.isEmpty ? self.retention.value : named
        guard !retention.isEmpty else {
            return .problem(
                400, "no_retention", title: "No retention is configured, so every event is kept.",
                detail: "Set `retention` in the configuration, or name a bound in the call.")
        }
        guard body.dryRun == true else {
            let pruned = try await store.prune(retention)
            return .json(
                200,
                [
                    "deleted": .integer(pruned.deleted), "thinned": .integer(pruned.thinned),
                    "freed_bytes": .integer(pruned.freedBytes), "done": .bool(pruned.isDone),
                ])
        }
        let forecast = try await store.forecastPrune(retention)
        return .json(
            200,
            [
                "deletes": .integer(forecast.deletes), "thins": .integer(forecast.thins),
                "held": .integer(forecast.held),
            ])
    }

    func dropConsumer(_ name: String, _ bytes: [UInt8]) async throws -> Answer {
        let body = try CallBody.decode(DropBody.self, from: bytes, members: DropBody.members)
        guard let consumer = Consumer.ID(name) else { throw ProtocolRefusal.consumerUnknown }
        let order = ConsumerDrop(
            consumer: consumer, actor: try Self.note(body.actor, "actor"),
            reason: try Self.note(body.reason, "reason"), openSession: body.force == true ? .fence : .refuse)
        let receipt: ConsumerDrop.Receipt
        do {
            receipt = try await store.dropConsumer(order)
        } catch ProtocolRefusal.sessionOpen {
            return .problem(
                409, ProtocolRefusal.sessionOpen.code, title: ProtocolRefusal.sessionOpen.explanation,
                detail: "Stop the engine; if it is gone already, send `force`: true (consumer drop --force).")
        }
        return .json(
            200,
            [
                "consumer": .text(name), "sources": .integer(receipt.sources),
                "pending": .integer(receipt.pending), "unfinished": .integer(receipt.unfinished),
            ])
    }
}

struct PruneBody: Decodable {
    static let members: Set = ["dry_run", "keep_ms", "thin_ms", "bytes_max"]

    let dryRun: Bool?
    let keep: Int64?
    let thin: Int64?
    let bytesMax: Int64?

    enum CodingKeys: String, CodingKey {
        case dryRun = "dry_run"
        case keep = "keep_ms"
        case thin = "thin_ms"
        case bytesMax = "bytes_max"
    }

    func retention() throws(BadRequest) -> Retention {
        for (name, value) in [("keep_ms", keep), ("thin_ms", thin), ("bytes_max", bytesMax)] {
            if let value, value < 0 { throw BadRequest(detail: "`\(name)` is 0 or more.") }
        }
        return Retention(
            keep: keep.map { .milliseconds($0) }, thin: thin.map { .milliseconds($0) }, bytesMax: bytesMax)
    }
}

struct DropBody: Decodable {
    static let members: Set = ["actor", "reason", "force"]

    let actor: String
    let reason: String
    /// Whether an open session is fenced instead of standing in the way.
    let force: Bool?
}
