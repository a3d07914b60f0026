import EventQueue
import EventQueueConformance
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// `export`: every event as a line that brings it back byte for byte.
@Suite struct ExportTests {
    /// A line as a program of another author reads it.
    struct Line: Decodable, Equatable {
        let orgloop_queue: Int
        let id: String
        let source: String
        let type: String
        let platform_event: String
        let received_at: String
        let verification: String
        let key_id: String?
        let idempotency_key: String?
        let headers: [String: String]
        let body_sha256: String
        let envelope_sha256: String
        let envelope: Data?
        let body: Data?
    }

    @Test func `the line is as agreed, byte for byte`() async throws {
        let scratch = try await ScratchStore()
        let event = try scratch.event(#"{"type":"test"}"#, key: "k\"1")
        _ = try await scratch.store.append(event)
        let lines = try export(scratch.scratch.database).lines
        let line = """
            {"orgloop_queue":1,"id":"\(event.id)","source":"claude-code","type":"resource.changed",\
            "platform_event":"test","received_at":"\(event.request.receivedAt)","verification":"none","key_id":null,\
            "idempotency_key":"k\\"1","headers":{"idempotency-key":"k\\"1"},"body_sha256":"\(event.bodyFingerprint)",\
            "envelope_sha256":"\(event.envelopeFingerprint)",\
            "envelope":"\(Data(event.envelope).base64EncodedString())",\
            "body":"\(Data(event.request.body).base64EncodedString())"}
            """
        #expect(lines == [line])
        await scratch.store.close()
    }

    @Test func `events come in order, envelopes with newlines byte for byte, and thinned ones without`() async throws {
        let every = try await EveryState()
        let pretty = try every.scratch.event("{\n  \"type\": \"test\",\r\n\t\"text\": \"\\u00e9 é\" }\n")
        _ = try await every.scratch.store.append(pretty)
        try await every.damage("UPDATE event SET envelope = NULL, body = NULL WHERE seq = 2")
        let result = try export(every.path)
        let lines = try result.lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(lines.map(\.id).prefix(12) == every.events.map(\.rawValue)[...])
        #expect(lines.last?.envelope == Data(pretty.envelope))
        #expect(lines.last?.body == Data(pretty.request.body))
        #expect(lines[1].envelope == nil && lines[1].body == nil)
        #expect(lines[1].envelope_sha256.count == 64)
        #expect(lines[4].verification == "hub" && lines[4].key_id?.count == 8)
        #expect(lines[4].headers["x-hub-signature-256"]?.hasPrefix("sha256=") == true)
        #expect(result.complaints.isEmpty)
        #expect(result.summary.events == 14)
    }

    @Test func `a selection takes what it names`() async throws {
        let every = try await EveryState()
        let all = try export(every.path).lines
        var selection = Export.Selection()
        selection.source = every.scratch.setUp.sources[1]
        #expect(try export(every.path, selection).lines == [all[12]])
        selection.source = nil
        let time = Timestamp(milliseconds: 1_764_000_000_000)
        selection.since = time
        selection.until = time.advanced(by: .milliseconds(1))
        #expect(try export(every.path, selection).lines == all)
        selection.until = time
        #expect(try export(every.path, selection).lines == [])
        selection = Export.Selection()
        selection.source = Source.ID("nobody")
        let refusal = try #require(throws: AuditRefusal.self) { try export(every.path, selection) }
        #expect(refusal.mend.contains("claude-code"))
        await every.scratch.store.close()
    }

    @Test func `pages and gaps leave nothing out, and what arrives meanwhile is not taken`() async throws {
        let scratch = try await ScratchStore()
        let ids = try await scratch.append(2500).map(\.rawValue)
        await scratch.store.close()
        try EveryState.damage(scratch.scratch.database, "DELETE FROM event WHERE seq BETWEEN 2 AND 2300")
        let again = try await ScratchStore(in: scratch.scratch)
        var export = try Export(database: scratch.scratch.database, Export.Selection())
        defer { export.close() }
        try await again.append(3)
        var text = ""
        let summary = try export.run(to: { text += String(decoding: $0, as: UTF8.self) }, complain: { _ in }, { _ in })
        #expect(summary.events == 201)
        #expect(export.total == 201)
        #expect(text.split(separator: "\n").map { Self.id($0) } == [ids[0]] + ids[2300...])
        await again.store.close()
    }

    @Test func `nothing keeps the WAL from being emptied while an export is read slowly`() async throws {
        let scratch = try await ScratchStore()
        try await scratch.append(10)
        var export = try Export(database: scratch.scratch.database, Export.Selection())
        defer { export.close() }
        // Within the sink: the reader of a pipe takes its time.
        var isEmptied = false
        _ = try export.run(
            to: { _ in
                isEmptied = try scratch.store.pool.writeWithoutTransaction { try SQLiteEventStore.emptyLog($0) }
            }, complain: { _ in }, { _ in })
        #expect(isEmptied)
        await scratch.store.close()
    }

    @Test func `a row that lost its hash is named and exported as it is stored`() async throws {
        let every = try await EveryState()
        try await every.damage(
            """
            UPDATE event SET envelope = ' ' || envelope WHERE seq = 2;
            UPDATE event SET body = x'00' WHERE seq = 3;
            UPDATE event SET headers = 'none' WHERE seq = 4;
            """)
        let result = try export(every.path)
        #expect(result.lines.count == 13)
        #expect(result.summary.damaged == 3)
        #expect(result.complaints.map { $0.prefix { $0 != ":" } } == every.events[1...3].map { $0.rawValue[...] })
        let line = try JSONDecoder().decode(Line.self, from: Data(result.lines[1].utf8))
        #expect(line.envelope?.first == UInt8(ascii: " "))
    }

    // MARK: The file

    @Test(arguments: [0, 1, 700, 3333])
    func `an interrupted export goes on behind its last whole line`(cut: Int) async throws {
        let every = try await EveryState()
        let path = every.scratch.scratch.path + "/events.jsonl"
        let whole = try export(every.path).bytes
        try whole.dropLast(cut).write(to: URL(fileURLWithPath: path + ".partial"))
        let lines = whole.dropLast(cut).count { $0 == UInt8(ascii: "\n") }
        #expect(try exportFile(every.path, to: path) == lines)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
        await every.scratch.store.close()
    }

    @Test func `a partial file that no export began is in the way and stays as it is`() async throws {
        let scratch = try await ScratchStore()
        let path = scratch.scratch.path + "/notes"
        let notes = Data("not to be lost".utf8)
        try notes.write(to: URL(fileURLWithPath: path + ".partial"))
        #expect(throws: AuditRefusal.self) { try ExportFile(path, of: scratch.scratch.database) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".partial")) == notes)
        #expect(throws: AuditRefusal.self) {
            let database = scratch.scratch.path + "/x.partial"
            try FileManager.default.copyItem(atPath: scratch.scratch.database, toPath: database)
            _ = try ExportFile(scratch.scratch.path + "/x", of: scratch.scratch.database)
        }
        await scratch.store.close()
    }

    @Test func `a partial file of another selection, or with zeros in it, is kept only as far as it is right`()
        async throws
    {
        let every = try await EveryState()
        let path = every.scratch.scratch.path + "/events.jsonl"
        let whole = try export(every.path).bytes
        var selection = Export.Selection()
        selection.source = every.scratch.setUp.sources[1]
        let partial = URL(fileURLWithPath: path + ".partial")
        try export(every.path, selection).bytes.write(to: partial)
        #expect(try exportFile(every.path, to: path) == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)

        var zeroed = whole
        let second = try #require(whole.firstIndex(of: UInt8(ascii: "\n"))) + 500
        zeroed.replaceSubrange(second..<second + 10, with: Data(repeating: 0, count: 10))
        try zeroed.write(to: partial)
        #expect(try exportFile(every.path, to: path) == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
        await every.scratch.store.close()
    }

    @Test func `lines longer than what is read at once are found whole`() async throws {
        let scratch = try await ScratchStore()
        let large = String(repeating: "x", count: 900_000)
        for number in 0..<4 {
            _ = try await scratch.store.append(scratch.event(#"{"type":"test","n":\#(number),"text":"\#(large)"}"#))
        }
        let path = scratch.scratch.path + "/events.jsonl"
        let whole = try export(scratch.scratch.database).bytes
        try whole.dropLast(10).write(to: URL(fileURLWithPath: path + ".partial"))
        #expect(try exportFile(scratch.scratch.database, to: path) == 3)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
        await scratch.store.close()
    }

    @Test func `two exports do not write one file, and none writes over a database`() async throws {
        let scratch = try await ScratchStore()
        let database = scratch.scratch.database
        let path = scratch.scratch.path + "/events.jsonl"
        let first = try ExportFile(path, of: database)
        #expect(throws: AuditRefusal.self) { try ExportFile(path, of: database) }
        for name in ["queue.db", "queue.db-wal", "queue.db.lock", "none/events.jsonl"] {
            #expect(throws: AuditRefusal.self) { try ExportFile(scratch.scratch.path + "/" + name, of: database) }
        }
        _ = try first.finish()
        await scratch.store.close()
    }

    // MARK: Helpers

    private static func id(_ line: Substring) -> String {
        String(line.dropFirst(ExportLine.start.count).prefix { $0 != "\"" })
    }

    private struct Result {
        var bytes = Data()
        var complaints: [String] = []
        var summary = Export.Summary()

        var lines: [String] { String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init) }
    }

    private func export(_ database: String, _ selection: Export.Selection = .init()) throws -> Result {
        var export = try Export(database: database, selection)
        defer { export.close() }
        var result = Result()
        result.summary = try export.run(
            to: { result.bytes += $0 }, complain: { result.complaints.append($0) }, { _ in })
        return result
    }

    /// Exports to a file as the verb does; returns after how many lines it went on.
    private func exportFile(_ database: String, to path: String) throws -> Int {
        var export = try Export(database: database, Export.Selection())
        defer { export.close() }
        let file = try ExportFile(path, of: database)
        let kept = try file.resume(&export)
        _ = try export.run(after: kept, to: file.write, complain: { _ in }, { _ in })
        _ = try file.finish()
        return kept
    }
}
