import ArgumentParser
import EventQueue

/// Which events a person wants to have replayed.
enum ReplaySelection {
    case events([Event.ID])
    case inDoubt
    case batch(Int64)
    case sequences(from: Int64, to: Int64)
    case received(since: Timestamp, until: Timestamp)

    /// Whether it can be empty without anything being wrong but a name.
    var isInDoubt: Bool {
        guard case .inDoubt = self else { return false }
        return true
    }

    /// The selection as `POST /v1/replays` takes it, beside the source.
    var members: [(String, String)] {
        switch self {
        case .events(let ids):
            [("event_ids", JSONOutput.array(ids.map { JSONOutput.quoted($0.rawValue) }))]
        case .inDoubt: [("state", JSONOutput.quoted(Event.State.inDoubt.rawValue))]
        case .batch(let number): [("batch", "\(number)")]
        case .sequences(let from, let to): [("from_seq", "\(from)"), ("to_seq", "\(to)")]
        case .received(let since, let until):
            [("since", JSONOutput.quoted(since.iso8601)), ("until", JSONOutput.quoted(until.iso8601))]
        }
    }
}

/// What became of an order.
struct ReplayReceipt: Decodable {
    /// `nil` for a dry run.
    let replayId: String?
    let events: Int
    let skipped: Int
    /// The first of them; a dry run lists them.
    let eventIds: [String]?

    func lines(_ cursor: Cursor.Key) -> [String] {
        var lines: [String]
        if let replayId {
            lines = ["\(replayId): \(cursor) gets \(counted(events, "event")) again at its next poll"]
        } else {
            lines = ["\(cursor) would get \(counted(events, "event")) again:"]
            lines += (eventIds ?? []).map { "  \($0)".printable }
            let more = events - (eventIds?.count ?? 0)
            if more > 0 { lines.append("  … and \(more) more") }
        }
        if skipped > 0 {
            lines.append(
                "\(skipped) skipped: not handed over yet or not confirmed, waiting in a replay, or thinned")
        }
        return lines
    }
}

/// Splits a selection by source, because an order is about one.
struct ReplayPlan {
    /// What becomes one order.
    struct Part {
        let source: Source.ID
        let selection: ReplaySelection
    }

    let service: ServiceConnection
    let consumer: Consumer.ID
    /// The source that was named, if one was.
    let source: Source.ID?

    /// - Throws: `ValidationError` when a source must be named; ``CommandFailure`` when an event is not there.
    func parts(of selection: ReplaySelection) async throws -> [Part] {
        if let source { return [Part(source: source, selection: selection)] }
        switch selection {
        case .events(let ids): return try await parts(of: ids)
        case .inDoubt:
            let sources = try await status().sources.filter { source in
                source.consumers.contains { $0.id == consumer.rawValue && $0.count(.inDoubt) > 0 }
            }
            return sources.compactMap { Source.ID($0.id) }.map { Part(source: $0, selection: selection) }
        case .batch, .sequences, .received:
            return [Part(source: try await onlySource(), selection: selection)]
        }
    }

    private func parts(of ids: [Event.ID]) async throws -> [Part] {
        var order: [Source.ID] = []
        var groups: [Source.ID: [Event.ID]] = [:]
        for id in ids {
            let source = try await sourceOf(id)
            if groups[source] == nil { order.append(source) }
            groups[source, default: []].append(id)
        }
        return order.map { Part(source: $0, selection: .events(groups[$0] ?? [])) }
    }

    private func sourceOf(_ id: Event.ID) async throws -> Source.ID {
        let reply = try await service.get("/v1/events/\(id)")
        if reply.code == ProtocolRefusal.eventUnknown.code {
            throw CommandFailure(
                message: "no event \(id) is stored (\(ProtocolRefusal.eventUnknown.code))",
                mend: "Check the id, and that --database or --url names the right queue.")
        }
        guard let source = Source.ID(try reply.decoded(EventDetail.self).source) else {
            throw CommandFailure(message: "the source of \(id) has no name", mend: "Name it with --source.")
        }
        return source
    }

    private func onlySource() async throws -> Source.ID {
        // A source that is configured and never sent anything is not what somebody wants replayed.
        let sources = try await status().sources.filter { $0.held > 0 }.compactMap { Source.ID($0.id) }
        if sources.count == 1, let source = sources.first { return source }
        guard !sources.isEmpty else {
            throw CommandFailure(
                message: "nothing to replay: the queue holds no event", mend: "orgloop-queue status shows it.")
        }
        let names = sources.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("There are several sources; name one with --source: \(names).")
    }

    private func status() async throws -> StatusReport { try await service.get("/v1/status").decoded() }
}
