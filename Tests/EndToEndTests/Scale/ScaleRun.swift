import EventQueueHTTP
import Foundation

/// A database with many events in every state, filled through the real binary, and what things take on it.
struct ScaleRun {
    /// A measured duration with the bound that it is held to.
    struct Figure {
        let name: String
        let time: Duration
        let bound: Duration?

        var line: String {
            let milliseconds = Double(time.milliseconds100) / 100
            let limit = bound.map { "  at most \($0.milliseconds100 / 100) ms" } ?? ""
            return String(format: "%10.2f ms  ", milliseconds) + name + limit
        }
    }

    let events: Int
    let service: ServiceProcess
    private let client: QueueClient

    init(events: Int) async throws {
        self.events = events
        service = try await ServiceProcess.start(in: Scratch())
        client = try service.client()
    }

    private static let cursor = "/v1/consumers/orgloop/sources/claude-code"
    /// What one poll and one settle take.
    private static let batch = 1000

    // MARK: Filling

    /// Imports `count` events from a file as OrgLoop's buffer writes them.
    func add(_ count: Int, from first: Int) async throws {
        let path = service.scratch.path + "/coding-agent-claude-code.jsonl"
        try Data().write(to: URL(filePath: path))
        guard let file = FileHandle(forWritingAtPath: path) else { throw Unexpected("no file at \(path)") }
        for start in stride(from: first, to: first + count, by: 10_000) {
            let numbers = start..<min(start + 10_000, first + count)
            try file.write(contentsOf: Data(numbers.map(Self.line).joined().utf8))
        }
        try file.close()
        let run = try await service.run(["import", path])
        guard run.status == 0 else { throw Unexpected("import: \(run.error)") }
    }

    private static func line(_ number: Int) -> String {
        let id = String(number, radix: 16)
        return #"{"id":"evt_f"# + String(repeating: "0", count: 15 - id.count) + id
            + #"","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code","type":"actor.stopped","#
            + #""provenance":{"platform":"claude-code","platform_event":"session.exited"},"payload":{"session_id":"s"#
            + "\(number)" + #"","working_directory":"/w","duration_seconds":1,"exit_status":0,"summary":"Done"}}"#
            + "\n"
    }

    /// Has an engine take `count` events and settle them, some of them badly.
    ///
    /// - Parameter leaving: How many batches at the end stay unsettled, to be in doubt when the next engine
    ///   comes.
    func work(through count: Int, leaving: Int = 0) async throws {
        let session = try await call("session", #"{"engine":"scale/1","settles":true}"#)["session"] as? String ?? ""
        var checkpoint = "null"
        if let saved = try? service.scratch.read("checkpoint") { checkpoint = String(decoding: saved, as: UTF8.self) }
        let batches = count / Self.batch
        for number in 0...batches {
            // The last one only confirms what came before.
            let limit = number < batches ? Self.batch : 1
            let answer = try await call(
                "poll", #"{"checkpoint":\#(checkpoint),"session":"\#(session)","limit":\#(limit)}"#)
            checkpoint = (answer["checkpoint"] as? String).map { "\"\($0)\"" } ?? "null"
            try service.scratch.write(checkpoint, to: "checkpoint")
            guard number < batches - leaving else { continue }
            let ids = (answer["events"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
            let outcomes = ids.enumerated().map { place, id in
                let outcome = place % 100 == 0 ? "failed" : place % 50 == 1 ? "no_route" : "delivered"
                return #"{"event_id":"\#(id)","outcome":"\#(outcome)","detail":"measured"}"#
            }
            _ = try await call(
                "settle", #"{"session":"\#(session)","outcomes":[\#(outcomes.joined(separator: ","))]}"#)
        }
    }

    private func call(_ name: String, _ body: String) async throws -> [String: Any] {
        let reply = try await client.send(
            "POST", "\(Self.cursor)/\(name)", body: Array(body.utf8), timeout: .seconds(60))
        guard reply.status == 200 else { throw Unexpected("\(name): \(reply.text)") }
        return try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] ?? [:]
    }

    // MARK: Measuring

    /// The shortest of three: what the work takes, not what else the machine did.
    private func shortest(_ work: () async throws -> Void) async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<3 { times.append(try await ContinuousClock().measure { try await work() }) }
        return times.min() ?? .zero
    }

    /// How long the stock shell takes for each question of the article, with its start.
    func questions() async throws -> [Figure] {
        let sample = try await rows(
            "SELECT id, received_at FROM events WHERE state = 'delivered' ORDER BY seq DESC LIMIT 1")
        let parts = (sample.first ?? "evt_0\t2026-01-01T00:00:00.000Z").split(separator: "\t").map(String.init)
        var figures: [Figure] = []
        for question in try AuditArticle.questions() {
            let sql = question.sql(event: parts[0], since: parts[1])
            let time = try await shortest { _ = try await rows(sql) }
            figures.append(Figure(name: question.description, time: time, bound: .milliseconds(200)))
        }
        return figures
    }

    /// How long `orgloop-queue status` takes, from its start to its end.
    func status() async throws -> Figure {
        let time = try await shortest {
            guard try await service.run(["status"]).status == 0 else { throw Unexpected("status failed") }
        }
        return Figure(name: "orgloop-queue status", time: time, bound: .milliseconds(100))
    }

    func rows(_ sql: String) async throws -> [String] {
        try await SQLiteShell.rows(sql, of: service.scratch.database, in: service.scratch)
    }

    /// Sends one event after the other until `isOver`, and returns how long each was waited for.
    func appends(until isOver: @Sendable () async -> Bool) async throws -> [Duration] {
        let body = Array(
            #"{"session_id":"s","working_directory":"/w","duration_seconds":1,"exit_status":0}"#.utf8)
        var times: [Duration] = []
        while await !isOver() {
            times.append(
                try await ContinuousClock().measure {
                    let reply = try await client.send("POST", "/webhook/claude-code", body: body)
                    guard reply.status == 200 else { throw Unexpected("append: \(reply.text)") }
                })
        }
        return times.sorted()
    }
}

extension Duration {
    fileprivate var milliseconds100: Int64 {
        components.seconds * 100_000 + components.attoseconds / 10_000_000_000_000
    }
}
