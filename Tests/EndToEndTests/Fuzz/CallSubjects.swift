import EventQueue

@testable import EventQueueHTTP

/// Bodies of the consumer API, each read as every call's.
struct CallSubject: FuzzSubject {
    static let corpus = "call"
    static let words = [
        #""checkpoint":"#, "null", #""limit":"#, "1e3", "-1", "1.0", "9223372036854775808", #""wait_ms":"#,
        #""select":{"#,
        #""state":"in_doubt""#, #""from_seq":1,"to_seq":2"#, #""since":"0000-01-01T00:00:00Z","#, #""batch":0"#,
        #""event_ids":["evt_1"]"#, #""dry_run":true"#, "\"\(value)\"", #"\ud83d"#, #""until":"9999-12-31T23:59:60Z""#,
        #""outcomes":[{"event_id":"evt_1","outcome":"delivered"}]"#, "[", "{", "}", ",", ":",
    ]

    /// What no message may repeat.
    private static let value = "s3cret-value"

    init(random: SeededRandom) {}

    func check(_ input: [UInt8]) throws {
        let text = input.isEmpty ? Array("{}".utf8) : input
        let reference = try? ReferenceJSON(text)
        let isObject = reference?.isObject ?? false
        let isStrict = isObject && ReferenceJSON.accepts(text, depthMax: Limits.jsonDepthMax)
        let names = reference?.names.map { String(decoding: $0, as: UTF16.self) } ?? []
        try read(SessionBody.self, input, isStrict, names)
        try read(CloseBody.self, input, isStrict, names)
        let poll = try read(PollBody.self, input, isStrict, names)
        try demand(poll == nil || names.contains("wait_ms") || poll?.wait == nil, "waits without being asked to")
        try read(SettleBody.self, input, isStrict, names)
        try read(ResumeBody.self, input, isStrict, names, members: ResumeBody.members)
        guard let replay = try read(ReplayBody.self, input, isStrict, names, members: ReplayBody.members) else {
            return
        }
        try demand(
            ["consumer", "actor", "reason", "select"].allSatisfy(names.contains), "an order with a part missing")
        do {
            try check(try replay.select.selection(), of: replay.select)
        } catch let error as BadRequest {
            try demand(!error.detail.isEmpty, "refused without a word")
        } catch is ProtocolRefusal {
        }
    }

    private func check(_ selection: Replay.Selection, of select: ReplayBody.Select) throws {
        switch selection {
        case .sequences(let range):
            try demand(
                range.lowerBound.rawValue == select.fromSeq && range.upperBound.rawValue == select.toSeq, "moved")
        case .received(let range): try demand(range.lowerBound < range.upperBound, "an empty time")
        case .batch(let number): try demand(number.rawValue >= 1, "batch \(number)")
        case .events(let ids): try demand(ids.map(\.rawValue) == select.eventIDs, "other events")
        default: try demand(select.state == "in_doubt", "in doubt without being asked for")
        }
    }

    /// Reads `input` as one call's body; `nil` when it is refused.
    @discardableResult
    private func read<Body: Decodable>(
        _ type: Body.Type, _ input: [UInt8], _ isStrict: Bool, _ names: [String], members: Set<String>? = nil
    ) throws -> Body? {
        do {
            let body = try CallBody.decode(type, from: input, members: members)
            try demand(isStrict, "\(type) was read from what is no JSON object")
            try demand(members?.isSuperset(of: names) ?? true, "\(type) was read with a member it does not have")
            return body
        } catch let error as BadRequest {
            let isNamed = names.contains { $0.contains(Self.value) }
            try demand(!error.detail.isEmpty, "\(type) was refused without a word")
            try demand(isNamed || !error.detail.contains(Self.value), "a value is quoted: \(error.detail)")
            return nil
        }
    }
}

/// Checkpoints as an engine presents them.
struct CheckpointSubject: FuzzSubject {
    static let corpus = "checkpoint"
    static let words = ["ckp_", "CKP_", "00", "ff", "FF", " ", "\u{301}", "٠"]

    private let cursor: Cursor.Key
    private let other: Cursor.Key

    init(random: SeededRandom) throws {
        guard let consumer = Consumer.ID("orgloop"), let source = Source.ID("hook"), let other = Source.ID("hoo")
        else { throw FuzzFinding(description: "no names") }
        cursor = Cursor.Key(consumer: consumer, source: source)
        self.other = Cursor.Key(consumer: consumer, source: other)
    }

    func generate(_ random: SeededRandom) -> [UInt8]? {
        func byte() -> UInt8 { UInt8(random.number(in: 0...255)) }
        guard let lineage = Checkpoint.Lineage(stored: (0..<16).map { _ in byte() }) else { return nil }
        let batch = Batch.Number(rawValue: Int64(random.number(in: 0...Int.max - 1)) - Int64(Int32.max))
        let isOwn = random.happens(onceIn: 2)
        let made = Checkpoint(
            lineage: lineage, cursor: isOwn ? cursor : other, batch: batch,
            nonce: UInt64(random.number(in: 0...Int.max - 1)))
        return Array(made.description.utf8)
    }

    func check(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        let digits = Set("0123456789abcdef".utf8)
        let isToken = input.count == 84 && input.starts(with: "ckp_".utf8) && input[4...].allSatisfy(digits.contains)
        guard let read = Checkpoint(text) else { return try demand(!isToken, "a token is not read") }
        try demand(isToken, "read from what nobody printed")
        try demand(read.description.utf8.elementsEqual(input), "printed otherwise")
        try demand(Checkpoint(read.description) == read, "another one when read again")
        // Sixteen bytes of lineage stand before the eight that tell whose it is.
        let mark = String(decoding: input[36..<52], as: UTF8.self)
        for key in [cursor, other] {
            let own = Checkpoint(lineage: read.lineage, cursor: key, batch: read.batch, nonce: read.nonce)
            try demand(read.isFor(key) == own.description.contains("_\(text.dropFirst(4).prefix(32))\(mark)"), "whose?")
            try demand(!read.isFor(key) || own == read, "another cursor's with the same text")
        }
    }
}
