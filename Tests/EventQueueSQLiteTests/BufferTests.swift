import EventQueue
import EventQueueConformance
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// What the database knows of OrgLoop's own buffers: events and how far they got are one commit.
@Suite struct BufferTests {
    @Test func `events and how far they got are recorded together, and a later start goes on there`() async throws {
        let scratch = try await ScratchStore()
        let key = Self.key(scratch)
        #expect(try await scratch.store.bufferProgress(key) == nil)
        let events = try (1...3).map { try Self.event($0, scratch) }
        let first = try await scratch.store.importBuffer(key, events, rejected: 2, through: Self.mark(100, 5))
        #expect(first == [.stored, .stored, .stored])
        let second = try await scratch.store.importBuffer(
            key, [events[2], try Self.event(4, scratch), try Self.event(1, scratch, summary: "other")], rejected: 0,
            through: Self.mark(200, 8))
        #expect(second == [.present(events[2].id), .stored, .conflict(events[0].id)])
        await scratch.store.close()
        let next = try await ScratchStore(in: scratch.scratch)
        let progress = try #require(try await next.store.bufferProgress(key))
        #expect(
            progress
                == Buffer.Progress(
                    key: key, mark: Self.mark(200, 8), endedAt: nil, events: 4, present: 1, rejected: 3))
        let other = Buffer.Key(source: key.source, path: "/elsewhere.jsonl")
        #expect(try await next.store.bufferProgress(other) == nil)
        #expect(try await next.store.status().sources.map(\.events).reduce(0, +) == 4)
        await next.store.close()
    }

    @Test func `an import that has ended takes nothing more, and stores nothing of what it refuses`() async throws {
        let scratch = try await ScratchStore()
        let key = Self.key(scratch)
        _ = try await scratch.store.importBuffer(
            key, [try Self.event(1, scratch)], rejected: 0, through: Self.mark(100, 1))
        try await scratch.store.endBuffer(key, at: Self.mark(100, 1))
        let ended = try #require(try await scratch.store.bufferProgress(key))
        #expect(ended.endedAt != nil)
        await #expect(throws: (any Error).self) {
            try await scratch.store.importBuffer(
                key, [try Self.event(2, scratch)], rejected: 0, through: Self.mark(200, 2))
        }
        await #expect(throws: (any Error).self) { try await scratch.store.endBuffer(key, at: Self.mark(100, 1)) }
        #expect(try await scratch.store.bufferProgress(key) == ended)
        #expect(try await scratch.store.status().sources.map(\.events).reduce(0, +) == 1)
        // Another source may have a buffer at the same place.
        let other = Buffer.Key(source: scratch.setUp.sources[1], path: key.path)
        try await scratch.store.endBuffer(other, at: Self.mark(0, 0))
        await scratch.store.close()
    }

    @Test func `the record outlives the events that retention deletes`() async throws {
        let scratch = try await ScratchStore()
        let key = Self.key(scratch)
        _ = try await scratch.store.importBuffer(
            key, [try Self.event(1, scratch)], rejected: 0, through: Self.mark(100, 1))
        try await scratch.store.endBuffer(key, at: Self.mark(100, 1))
        let last = try await scratch.poll().checkpoint
        _ = try await scratch.poll(last)
        scratch.setUp.clock.move(by: .seconds(60))
        while try await !scratch.store.prune(Retention(keep: .seconds(1))).isDone {}
        let left = try await scratch.store.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM event") }
        #expect(left == 0)
        #expect(try await scratch.store.bufferProgress(key)?.events == 1)
        await scratch.store.close()
    }

    @Test func `the view tells when each began and ended, and what came of it`() async throws {
        let scratch = try await ScratchStore()
        let key = Self.key(scratch)
        func rows() throws -> [Row] {
            try scratch.store.pool.read { try Row.fetchAll($0, sql: "SELECT * FROM buffer_imports") }
        }
        _ = try await scratch.store.importBuffer(
            key, [try Self.event(1, scratch)], rejected: 1, through: Self.mark(100, 2))
        #expect(try rows().map { $0["ended_at"] as String? } == [nil])
        try await scratch.store.endBuffer(key, at: Self.mark(120, 3))
        let row = try #require(try rows().first)
        let columns = ["source", "path", "began_at", "ended_at", "bytes", "lines", "events", "present", "rejected"]
        #expect(Array(row.columnNames) == columns)
        #expect(row["ended_at"] as String? != nil)
        #expect(["bytes", "lines", "events", "present", "rejected"].map { row[$0] as Int } == [120, 3, 1, 0, 1])
        await scratch.store.close()
    }

    @Test func `a database of before knows no buffers, and a report of it says so`() async throws {
        let queue = try DatabaseQueue()
        let buffers = try await queue.read { try SQLiteEventStore.buffers(in: $0) }
        #expect(buffers.isEmpty)
    }

    // MARK: Helpers

    private static func key(_ scratch: ScratchStore) -> Buffer.Key {
        Buffer.Key(source: scratch.source.id, path: "/tmp/orgloop/claude-code-a.jsonl")
    }

    private static func mark(_ byte: Int, _ line: Int) -> Buffer.Mark {
        Buffer.Mark(byte: byte, line: line, tail: Fingerprint(of: "\(byte)".utf8))
    }

    private static func event(_ number: Int, _ scratch: ScratchStore, summary: String = "done") throws -> ImportedEvent
    {
        let line =
            #"{"id":"evt_b\#(number)","timestamp":"2025-01-15T10:30:00.000Z","source":"\#(scratch.source.id)","#
            + #""type":"actor.stopped","provenance":{"platform":"claude-code"},"payload":{"summary":"\#(summary)"}}"#
        return try ImportLine.parse(Array(line.utf8), receivedAt: scratch.setUp.clock.now)
    }
}
