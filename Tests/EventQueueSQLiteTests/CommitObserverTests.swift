import EventQueue
import Foundation
import Synchronization
import Testing

@testable import EventQueueSQLite

/// Who measures the engine is told of each commit, and of nothing that was not committed.
@Suite struct CommitObserverTests {
    private final class Diary: Sendable {
        let commits = Mutex<[Commit]>([])
    }

    @Test func `each commit is told with the events that it appended`() async throws {
        let diary = Diary()
        let scratch = try await ScratchStore { commit in diary.commits.withLock { $0.append(commit) } }
        try await scratch.append(2)
        _ = try await scratch.store.append([try scratch.event(), try scratch.event(), try scratch.event()])
        _ = try await scratch.poll()
        let commits = diary.commits.withLock { $0 }
        #expect(commits.map(\.events) == [1, 1, 3, 0])
        #expect(commits.allSatisfy { $0.duration > .zero })
        await scratch.store.close()
    }

    @Test func `appends that share a commit are told once`() async throws {
        let diary = Diary()
        let scratch = try await ScratchStore { commit in diary.commits.withLock { $0.append(commit) } }
        let gate = DispatchSemaphore(value: 0)
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        async let held: Void = scratch.store.writer.alone { _ in
            arrived.finish()
            gate.wait()
        }
        for await _ in arrivals {}
        let events = try (0..<20).map { _ in try scratch.event() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for event in events { group.addTask { _ = try await scratch.store.append(event) } }
            while scratch.store.writer.waiting < events.count { await Task.yield() }
            gate.signal()
            try await group.waitForAll()
        }
        try await held
        #expect(diary.commits.withLock { $0.map(\.events) } == [20])
        await scratch.store.close()
    }

    @Test func `what was not committed is not told`() async throws {
        let diary = Diary()
        var limits = Limits.Settings()
        limits.queueEventsMax = 1
        let scratch = try await ScratchStore(limits: limits) { commit in diary.commits.withLock { $0.append(commit) } }
        try await scratch.append()
        let failure = try await failure { try await scratch.append() }
        #expect(failure.code == "over_quota")
        #expect(diary.commits.withLock { $0.map(\.events) } == [1])
        await scratch.store.close()
    }
}
