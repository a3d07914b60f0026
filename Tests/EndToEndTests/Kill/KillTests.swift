import Foundation
import Testing

/// The promise, under SIGKILL.
///
/// `ORGLOOP_QUEUE_KILLS=500 swift test --filter KillTests` kills more often than CI's twenty times.
@Suite(.timeLimit(.minutes(5 + KillSettings.kills / 20)), .aFewAtATime) struct KillTests {
    @Test(.enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    func `acknowledged events arrive once and in order through kills at random moments`() async throws {
        let (seed, kills) = (KillSettings.seed, KillSettings.kills)
        let run = try KillRun(seed: seed)
        let history: HandoverHistory
        do {
            history = try await run.play(kills: kills)
        } catch {
            Issue.record(error, "seed \(seed), \(kills) kills")
            return
        }
        let counts = run.counts
        let summary = """
            seed \(seed), \(kills) kills: \(history.sent.count) events in \(history.batches.count) batches, \
            \(counts.retries) retries, \(counts.duplicates) duplicates, \(counts.resent) re-sent
            """
        // `swift test --attachments-path DIRECTORY` keeps it of a run that passed, too.
        Attachment.record(summary, named: "kill-run.txt")
        let about = Comment(rawValue: summary)
        #expect(HistoryChecker.verdict(on: history) == HistoryChecker.Verdict(), about)
        // Every sender had its 200 for every key in the end, and a key has one row however often it was sent.
        #expect(Set(history.acknowledgements.map(\.key)) == history.sent, about)
        #expect(Set(history.rows.map(\.key)) == history.sent, about)
        #expect(history.rows.count == history.sent.count, about)
        // At least one acknowledgement precedes each kill; without them the verdict would be empty talk.
        #expect(history.acknowledgements.count >= kills, about)
        #expect(try await run.sql("SELECT * FROM double_emissions") == [], about)
        #expect(try await run.sql("PRAGMA integrity_check") == ["ok"], about)
    }
}

/// What the environment asks of the kill test.
private enum KillSettings {
    static let kills = number("ORGLOOP_QUEUE_KILLS").map { Int(clamping: $0) } ?? 20
    /// `ORGLOOP_QUEUE_KILL_SEED` makes the same choices again.
    static let seed = number("ORGLOOP_QUEUE_KILL_SEED") ?? .random(in: 0...UInt64(UInt32.max))

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}
