import EventQueueHTTP
import Foundation
import Testing

/// The calls that an engine makes of a running service, for tests of what an operator then sees and does.
struct Engine {
    /// A poll's answer.
    struct Batch {
        let ids: [String]
        /// The reasons of the replays that the events carry.
        let reasons: [String]
        let checkpoint: String?
    }

    /// The service answered something else than 200.
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    let service: ServiceProcess
    var source = "claude-code"
    var consumer = "orgloop"

    /// Sends `count` events of the source, and returns their ids in order.
    func send(_ count: Int) async throws -> [String] {
        let run = try await service.run(["send", source, "--count", "\(count)"])
        guard run.status == 0 else { throw Refused(description: run.error) }
        return try run.lines.map { try Answer($0)["event_id"].text }
    }

    func open(settles: Bool = true) async throws -> String {
        try await call("session", #"{"engine":"test/1","settles":\#(settles)}"#)["session"].text
    }

    func close(_ session: String) async throws { _ = try await call("session/close", #"{"session":"\#(session)"}"#) }

    func poll(_ checkpoint: String?, _ session: String? = nil, limit: Int = 100) async throws -> Batch {
        let checkpoint = checkpoint.map { "\"\($0)\"" } ?? "null"
        let session = session.map { #","session":"\#($0)""# } ?? ""
        let answer = try await call("poll", #"{"checkpoint":\#(checkpoint),"limit":\#(limit)\#(session)}"#)
        let events = answer["events"].list
        return Batch(
            ids: events.map { $0["id"].text },
            reasons: events.compactMap { $0["provenance"]["replay"]["reason"].value as? String },
            checkpoint: answer["checkpoint"].value as? String)
    }

    func settle(_ outcomes: KeyValuePairs<String, String>, _ session: String) async throws {
        let list = outcomes.map { #"{"event_id":"\#($0.key)","outcome":"\#($0.value)"}"# }
        _ = try await call(
            "settle", #"{"session":"\#(session)","outcomes":[\#(list.joined(separator: ","))]}"#)
    }

    /// Hands all of `ids` over and leaves them in doubt.
    func crash(with ids: [String]) async throws {
        let session = try await open()
        var handed: [String] = []
        var checkpoint: String?
        repeat {
            let batch = try await poll(checkpoint, session)
            handed += batch.ids
            checkpoint = batch.checkpoint
            if batch.ids.isEmpty { break }
        } while true
        #expect(Set(handed).isSuperset(of: ids))
        try await close(session)
    }

    private func call(_ call: String, _ body: String) async throws -> Answer {
        let reply = try await service.client().send(
            "POST", "/v1/consumers/\(consumer)/sources/\(source)/\(call)", body: Array(body.utf8))
        guard reply.status == 200 else { throw Refused(description: "\(call): \(reply.status) \(reply.text)") }
        return try Answer(reply.text)
    }
}

extension ServiceProcess {
    /// The ids of the events that `events` lists with these flags, in its order.
    func listed(_ flags: String...) async throws -> [String] {
        let run = try await run(["events", "--json", "--limit", "1000"] + flags)
        #expect(run.status == 0, "\(run.error)")
        return try Answer(run.output)["events"].list.map { $0["id"].text }
    }

    /// How many events are in each state for the consumer.
    func states(of consumer: String = "orgloop") async throws -> [String: Int] {
        // Asked for by name, a consumer that has not polled yet is a mistake.
        let run = try await run(["events", "--json", "--limit", "1000"])
        #expect(run.status == 0, "\(run.error)")
        return try Answer(run.output)["events"].list.filter { $0["consumer"].text == consumer }
            .reduce(into: [:]) { $0[$1["state"].text, default: 0] += 1 }
    }
}
