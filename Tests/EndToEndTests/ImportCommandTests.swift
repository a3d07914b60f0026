import EventQueue
import EventQueueHTTP
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// `import` through the real binary, from the files that people have.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct ImportCommandTests {
    @Test func `a buffer directory of both versions is imported, and its files stay as they are`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let names = ["claude-code-claude-code.jsonl", "coding-agent-agents.jsonl"]
        let files = [
            Self.seed(1) + "\n" + Self.seed(2) + "\n",
            Self.current(3) + "\n" + String(Self.current(4).dropLast(30)),
        ]
        try FileManager.default.createDirectory(
            atPath: service.scratch.path + "/buffer", withIntermediateDirectories: true)
        for (name, text) in zip(names, files) { try service.scratch.write(text, to: "buffer/\(name)") }
        try service.scratch.write("not for us", to: "buffer/notes.txt")
        let first = try await service.run(["import", "buffer"])
        #expect(first.status == 0)
        #expect(
            first.lines == [
                "buffer/\(names[0]): 2 events imported", "buffer/\(names[1]): 1 event imported, 1 rejected (warning)",
                "3 events imported, 1 rejected (warning)",
            ])
        #expect(first.error.hasPrefix("buffer/\(names[1]):2: the line is not JSON: "))
        #expect(first.error.hasSuffix("(not_json)\n"))
        for (name, text) in zip(names, files) {
            #expect(try service.scratch.read("buffer/\(name)") == Data(text.utf8))
        }
        let again = try await service.run(["import", "buffer", "--json"])
        let report = try JSONDecoder().decode(Report.self, from: Data(again.output.utf8))
        #expect(again.status == 0)
        #expect(report == Report(lines: 4, imported: 0, present: 3, thinned: 0, rejected: 1))
        let poll = try await service.run(["poll", "agents"])
        #expect(poll.lines == [Self.current(3).replacing(#","trace_id":"trc_1""#, with: "")])
        await service.stop()
    }

    @Test func `an export line from standard input is handed over as it was stored`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let envelope =
            #"{"id":"evt_a1","timestamp":"t","source":"old","type":"resource.changed","payload":{"n":1.50}}"#
        func line(_ body: String) -> String {
            #"{"orgloop_queue":1,"id":"evt_a1","source":"old","type":"resource.changed","platform_event":"push","#
                + #""received_at":"2025-02-03T04:05:06.789Z","verification":"hub","key_id":"6460d93a","#
                + #""idempotency_key":"d-1","headers":{},"body_sha256":"\#(Fingerprint(of: Array("{}".utf8)))","#
                + #""envelope_sha256":"\#(Fingerprint(of: Array(envelope.utf8)))","#
                + #""envelope":"\#(Data(envelope.utf8).base64EncodedString())","#
                + #""body":"\#(Data(body.utf8).base64EncodedString())"}"#
        }
        let input = "\u{FEFF}" + line("{}") + "\r\n\r\n" + line("{ }")
        let run = try await service.run(["import", "-"], input: input)
        #expect(run.status == 0)
        #expect(run.lines == ["1 event imported, 1 rejected (warning)"])
        #expect(run.error.hasPrefix("-:3: `body` does not have its hash"))
        #expect(run.error.hasSuffix("(hash_mismatch)\n"))
        #expect(try await service.run(["poll", "old"]).lines == [envelope])
        await service.stop()
    }

    @Test func `what one queue exports another begins with, to the byte, also where none was yet`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let scratch = service.scratch
        #expect(try await service.run(["send", "claude-code", "--count", "3"]).status == 0)
        #expect(try await Binary.run(["export", "--output", "a.jsonl"], in: scratch).status == 0)
        await service.stop()
        for expected in ["3 events imported", "0 events imported, 3 already there"] {
            let run = try await Binary.run(["import", "a.jsonl", "--database", "new.db"], in: scratch)
            #expect(run.lines == [expected])
        }
        let again = ["export", "--output", "b.jsonl", "--database", "new.db"]
        #expect(try await Binary.run(again, in: scratch).status == 0)
        #expect(try scratch.read("a.jsonl") == scratch.read("b.jsonl"))
    }

    @Test func `what cannot be imported at all exits 1, and the rest is imported`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        try service.scratch.write("nonsense\n[]\n", to: "bad.jsonl")
        try service.scratch.write("", to: "empty.jsonl")
        try service.scratch.write(Self.seed(1), to: "good.jsonl")
        let bad = try await service.run(["import", "bad.jsonl"])
        #expect(bad.status == 1)
        #expect(bad.error.split(separator: "\n").map { $0.prefix(12) } == ["bad.jsonl:1:", "bad.jsonl:2:"])
        #expect(!bad.error.contains("nonsense"))
        let empty = try await service.run(["import", "empty.jsonl"])
        #expect(empty.status == 0)
        #expect(empty.lines == ["nothing to import"])
        let missing = try await service.run(["import", "no.jsonl", "good.jsonl"])
        #expect(missing.status == 1)
        #expect(missing.error.contains("cannot read no.jsonl"))
        #expect(missing.lines.last == "1 event imported")
        let directory = try await service.run(["import", "state"])
        #expect(directory.status == 1)
        #expect(directory.error.contains("no *.jsonl in state"))
        await service.stop()
    }

    @Test func `a service that refuses ends the import with the line it had come to`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let file = try service.scratch.write(Self.seed(1), to: "a.jsonl")
        let refused = try await service.run(["import", file], environment: ["ORGLOOP_QUEUE_TOKEN": "wrong"])
        #expect(refused.status == 1)
        #expect(refused.output.isEmpty)
        #expect(refused.error.contains("a.jsonl:1: "))
        #expect(refused.error.contains("--token-file"))
        #expect(refused.error.contains("run the same command again"))
        await service.stop()
    }

    @Test func `a long file goes through in many calls, and its lines keep their numbers`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let lines = (1...6000).map { $0 == 4321 ? "nonsense" : Self.seed($0) }
        try service.scratch.write(lines.joined(separator: "\n"), to: "long.jsonl")
        let run = try await service.run(["import", "long.jsonl"])
        #expect(run.status == 0)
        #expect(run.lines == ["5999 events imported, 1 rejected (warning)"])
        #expect(run.error.hasPrefix("long.jsonl:4321: "))
        await service.stop()
    }

    // MARK: Reading

    @Test func `a file is read in bounded pieces of whole lines`() throws {
        let lines = (1...3000).map { String(repeating: "x", count: $0 % 2000) }
        let pieces = try pieces(of: lines.joined(separator: "\n"), lineBytesMax: 1 << 20)
        #expect(pieces.map(\.text).joined() == lines.joined(separator: "\n"))
        var next = 1
        for piece in pieces {
            #expect(piece.line == next)
            #expect(piece.text.utf8.count <= 1 << 20)
            let count = piece.text.split(separator: "\n", omittingEmptySubsequences: false).count
            next += count - (piece.text.hasSuffix("\n") ? 1 : 0)
            #expect(count <= 501)
        }
        #expect(next == 3001)
    }

    @Test(arguments: [1_100_000, 3_000_000])
    func `a line longer than a piece goes alone, and one beyond the limit is passed over`(length: Int) throws {
        let long = String(repeating: "x", count: length)
        let pieces = try pieces(of: "a\n\(long)\nb\n\(long)", lineBytesMax: 2 << 20)
        let isTooLong = length > 2 << 20
        #expect(pieces.map(\.line) == [1, 2, 3, 4])
        #expect(pieces.map(\.isTooLong) == [false, isTooLong, false, isTooLong])
        #expect(pieces[2].text == "b\n")
    }

    @Test func `a byte order mark counts at the start only`() throws {
        let pieces = try pieces(of: "\u{FEFF}a\n\u{FEFF}b", lineBytesMax: 1 << 20)
        #expect(pieces.map { Array($0.text.utf8) } == [Array("a\n\u{FEFF}b".utf8)])
        #expect(try self.pieces(of: "\u{FEFF}", lineBytesMax: 1 << 20).isEmpty)
        #expect(try self.pieces(of: "", lineBytesMax: 1 << 20).isEmpty)
    }

    @Test func `a byte that the disk has changed is found by verify and put back by an import`() async throws {
        let service = try await ServiceProcess.start(in: Scratch())
        let scratch = service.scratch
        let id = try await Engine(service: service).send(1)[0]
        #expect(try await Binary.run(["export", "--output", "e.jsonl"], in: scratch).status == 0)
        #expect(await service.stop() == 0)
        var bytes = try scratch.read("state/orgloop-queue/queue.db")
        let place = try #require(bytes.firstRange(of: Data("Implemented auth".utf8)))
        bytes[place.lowerBound] ^= 0x20
        try bytes.write(to: URL(filePath: scratch.database))
        let damaged = try await Binary.run(["verify"], in: scratch)
        #expect(damaged.status == 1)
        #expect(damaged.output.contains(id))
        #expect(damaged.output.contains("orgloop-queue import FILE"))
        let run = try await Binary.run(["import", "e.jsonl"], in: scratch)
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output == "0 events imported, the content of 1 damaged put back\n")
        #expect(run.error.contains("event=\(id)"))
        #expect(try await Binary.run(["verify"], in: scratch).status == 0)
        let again = try Answer(try await Binary.run(["import", "e.jsonl", "--json"], in: scratch).output)
        #expect(again["restored"].number == 0)
        #expect(again["present"].number == 1)
        #expect(try await Binary.run(["poll", "claude-code"], in: scratch).lines.count == 1)
    }

    // MARK: Helpers

    private struct Report: Decodable, Equatable {
        let lines: Int
        let imported: Int
        let present: Int
        let thinned: Int
        let rejected: Int
    }

    private static func seed(_ number: Int) -> String {
        #"{"id":"evt_a\#(number)","timestamp":"2025-01-15T10:30:00.000Z","source":"claude-code","#
            + #""type":"actor.stopped","provenance":{"platform":"claude-code","platform_event":"session.exited"},"#
            + #""payload":{"session_id":"s-\#(number)","duration_seconds":120,"exit_status":0,"summary":"done"}}"#
    }

    private static func current(_ number: Int) -> String {
        #"{"id":"evt_c\#(number)","timestamp":"2026-02-01T08:00:00.000Z","source":"agents","trace_id":"trc_1","#
            + #""type":"actor.stopped","provenance":{"platform":"codex","platform_event":"session.completed"},"#
            + #""payload":{"lifecycle":{"phase":"completed","terminal":true,"outcome":"success"}}}"#
    }

    private struct Read {
        let line: Int
        var text = ""
        var isTooLong = false
    }

    private func pieces(of text: String, lineBytesMax: Int) throws -> [Read] {
        let scratch = try Scratch()
        let input = try ImportInput.named(try scratch.write(text, to: "lines"))
        var reader = LineReader(try #require(input.first).open(), lineBytesMax: lineBytesMax)
        defer { reader.close() }
        var pieces: [Read] = []
        while let piece = try reader.next() {
            switch piece {
            case .lines(let lines):
                pieces.append(Read(line: lines.firstLine, text: String(decoding: lines.bytes, as: UTF8.self)))
            case .tooLong(let line, _): pieces.append(Read(line: line, isTooLong: true))
            }
        }
        return pieces
    }
}
