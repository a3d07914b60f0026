import EventQueue
import EventQueueHTTP
import Foundation
import Synchronization
import Testing

/// What goes in comes out, through the real program: the property that the README promises of every body.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct BodyFuzzTests {
    @Test(.enabled(if: Tool.has("node") && Tool.has("sqlite3"), "needs node and the sqlite3 shell"))
    func `what is accepted comes back byte for byte, and what is not JSON is never an event`() async throws {
        let seed = FuzzPlace.variable("SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 1...UInt64.max)
        let bodies = try Self.bodies(seed: seed)
        let service = try await ServiceProcess.start(in: Self.scratch(), ["--config", "q.yaml"])
        let replies = try await Self.post(bodies, to: service.port)
        let envelopes = try await Self.poll(service)
        var findings = Findings(seed: seed)
        var records: [Record] = []
        for (body, reply) in zip(bodies, replies) {
            let id = Self.eventID(reply)
            let record = Record(body: body, id: id, envelope: id.flatMap { envelopes[$0] })
            records.append(record)
            findings.note(record.objection(to: reply), of: body)
        }
        let accepted = records.filter { $0.id != nil }
        print("fuzz bodies: seed \(seed), \(bodies.count) sent, \(accepted.count) accepted")
        #expect(envelopes.count == accepted.count)
        #expect(accepted.count > bodies.count / 4 && accepted.count < bodies.count * 9 / 10)
        for (record, words) in zip(records, try await Self.judged(records, in: service.scratch)) {
            findings.note(record.objection(toJudge: words), of: record.body)
        }
        for (body, objection) in try await Self.audited(accepted, service) { findings.note(objection, of: body) }
        #expect(await service.stop() == 0)
    }

    // MARK: What is checked

    /// A body and what became of it.
    private struct Record {
        let body: SentBody
        let id: String?
        let envelope: [UInt8]?

        /// What is wrong with the answer and the envelope.
        func objection(to reply: KeptConnection.Reply) -> String? {
            switch (reply.status, body.verdict) {
            case (400, .refused), (400, .either): return nil
            case (200, .accepted), (200, .either): break
            default: return "answered \(reply.status), and must be \(body.verdict)"
            }
            guard let envelope else { return "accepted, and not polled" }
            guard let payload = body.payload else { return nil }
            let end = Array(#","payload":"#.utf8) + payload + [UInt8(ascii: "}")]
            return envelope.suffix(end.count) == end[...] ? nil : "came back as something else"
        }

        /// What is wrong with what Node says of the body and the envelope.
        func objection(toJudge words: [Substring]) -> String? {
            let isJSON = (try? ReferenceJSON(body.bytes)) != nil
            guard words.first == (isJSON ? "json" : "broken") else { return "JSON.parse and the reference differ" }
            guard id != nil, words.last != "same" else { return nil }
            return "JSON.parse of the envelope: \(words)"
        }
    }

    /// The first few findings; one fault makes thousands.
    private struct Findings {
        let seed: UInt64
        var count = 0

        mutating func note(_ objection: String?, of body: SentBody) {
            guard let objection, count < 5 else { return }
            count += 1
            Issue.record("\(objection): \(body); repeat it with ORGLOOP_QUEUE_FUZZ_SEED=\(seed)")
        }
    }

    /// What the auditor's shell says about the events.
    private static func audited(
        _ accepted: [Record], _ service: ServiceProcess
    ) async throws -> [(body: SentBody, objection: String?)] {
        let question = """
            SELECT id, json_valid(envelope), hex(CAST(envelope AS BLOB)), hex(body) FROM event
            """
        let rows = try await SQLiteShell.rows(question, of: service.scratch.database, in: service.scratch)
        #expect(rows.count == accepted.count, "events beside those that were accepted")
        let known = Dictionary(uniqueKeysWithValues: accepted.map { ($0.id ?? "", $0) })
        return rows.compactMap { row in
            let columns = row.split(separator: "\t").map(String.init)
            guard columns.count == 4, let record = known[columns[0]] else { return nil }
            let isValid = columns[1] == "1"
            let isSame =
                columns[2] == hexadecimal(record.envelope ?? []) && columns[3] == hexadecimal(record.body.bytes)
            let objection = isValid ? isSame ? nil : "something else is stored" : "json_valid refuses the envelope"
            return (record.body, objection)
        }
    }

    /// What Node says of each record.
    private static func judged(_ records: [Record], in scratch: Scratch) async throws -> [[Substring]] {
        var file = Data()
        for record in records {
            for part in [record.body.bytes, record.body.payload ?? [], record.envelope ?? []] {
                withUnsafeBytes(of: UInt32(part.count).littleEndian) { file.append(contentsOf: $0) }
                file.append(contentsOf: part)
            }
        }
        try file.write(to: URL(filePath: scratch.path + "/records"))
        let judge = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "judge.mjs").path
        let node = try ChildProcess(Tool.path("node"), [judge, "records"], in: scratch)
        let lines = await node.readToEnd().split(separator: "\n").map { $0.split(separator: " ") }
        #expect(await node.waitForExit() == 0, "\(node.standardError)")
        #expect(lines.count == records.count)
        return lines
    }

    // MARK: Sending and reading

    /// Enough for every shape to come many times in a few seconds.
    private static func bodies(seed: UInt64) throws -> [SentBody] {
        let random = SeededRandom(seed: seed)
        let words = JSONSubject.words.map { Array($0.utf8) }
        let mutator = Mutator(random: random, words: words, corpus: try FuzzPlace(name: "json").corpus())
        let seconds = FuzzPlace.variable("SECONDS").flatMap { Int($0) } ?? 4
        return (0..<seconds * 500).map { SentBody($0, by: mutator, BodyGenerator(random: random)) }
    }

    private static func scratch() throws -> Scratch {
        let scratch = try Scratch()
        let sources = SentBody.Kind.allCases.map { "  - { id: \($0.rawValue), connector: '\($0.connector)' }\n" }
        try scratch.write("sources:\n" + sources.joined(), to: "q.yaml")
        return scratch
    }

    /// Sends all bodies over a few connections, so that commits are shared.
    private static func post(_ bodies: [SentBody], to port: Int) async throws -> [KeptConnection.Reply] {
        let connections = 8
        let replies = Mutex<[Int: Result<KeptConnection.Reply, any Error>]>([:])
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                DispatchQueue.concurrentPerform(iterations: connections) { lane in
                    let connection = KeptConnection(port: port)
                    for body in bodies[lane...].enumerated().filter({ $0.offset % connections == 0 }).map(\.element) {
                        let reply = Result {
                            try connection.post("/webhook/\(body.kind)", headers: body.headers, body: body.bytes)
                        }
                        replies.withLock { $0[body.number] = reply }
                    }
                }
                continuation.resume()
            }
        }
        let all = replies.withLock { $0 }
        return try bodies.map { try #require(try all[$0.number]?.get()) }
    }

    private static func eventID(_ reply: KeptConnection.Reply) -> String? {
        guard reply.status == 200, let json = try? JSONText(reply.body) else { return nil }
        return json["event_id"].flatMap(json.string)
    }

    /// The envelopes of all sources by their ids, as a consumer gets them.
    private static func poll(_ service: ServiceProcess) async throws -> [String: [UInt8]] {
        let client = try service.client()
        var envelopes: [String: [UInt8]] = [:]
        for kind in SentBody.Kind.allCases {
            var (checkpoint, isDone) = ("null", false)
            while !isDone {
                let reply = try await client.send(
                    "POST", "/v1/consumers/orgloop/sources/\(kind)/poll",
                    body: Array(#"{"checkpoint":\#(checkpoint),"limit":1000}"#.utf8), timeout: .seconds(60))
                #expect(reply.status == 200, "\(reply.text)")
                let answer = try JSONText(reply.body, depthMax: Limits.envelopeDepthMax + 2)
                checkpoint = answer["checkpoint"].map { String(decoding: answer.raw($0), as: UTF8.self) } ?? "null"
                let events = answer["events"].map(answer.elements) ?? []
                for event in events {
                    let envelope = Array(answer.raw(event))
                    // Every envelope begins with its id.
                    let id = String(decoding: envelope.dropFirst(7).prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
                    #expect(envelopes.updateValue(envelope, forKey: id) == nil, "\(id) was handed over twice")
                }
                isDone = events.isEmpty
            }
        }
        return envelopes
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
