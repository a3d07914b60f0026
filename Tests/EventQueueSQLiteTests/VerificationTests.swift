import EventQueue
import Foundation
import GRDB
import Testing

@testable import EventQueueSQLite

/// `verify` finds every kind of damage and names it, and finds nothing where nothing is wrong.
@Suite struct VerificationTests {
    @Test func `a file with an event in every state is sound, while the store has it open and after`() async throws {
        let every = try await EveryState()
        for _ in 0..<2 {
            let report = try every.verify()
            #expect(report.failed == [], "\(report)")
            #expect(report.checks.map(\.name) == AuditCheck.Name.allCases)
            #expect(report.checks.allSatisfy { $0.verdict == .ok && $0.mend == nil })
            await every.scratch.store.close()
        }
        let report = try every.verify()
        let states = try #require(report[.states])
        for state in Event.State.allCases where state != .pending {
            #expect(states[state.rawValue] ?? 0 > 0, "no event is \(state)")
        }
        #expect(report[.signatures]?["verified"] == 10)
        #expect(report[.signatures]?["unsigned"] == 3)
        #expect(report[.sequence]?["gaps"] == 0)
    }

    @Test func `a new and empty database is sound`() async throws {
        let scratch = try await ScratchStore()
        let report = try Verify(path: scratch.scratch.database, sources: []).run { _ in }
        #expect(report.failed == [])
        await scratch.store.close()
    }

    /// A change that nobody may make, the check that finds it, and what it says.
    struct Damage: Sendable, CustomTestStringConvertible {
        let sql: String
        let check: AuditCheck.Name
        let word: String

        init(_ check: AuditCheck.Name, _ word: String, _ sql: String) {
            self.check = check
            self.word = word
            self.sql = sql
        }

        var testDescription: String { sql }
    }

    static let contents = [
        Damage(
            .envelopes, "(seq 1): the envelope does not have",
            "UPDATE event SET envelope = ' ' || envelope WHERE seq = 1"),
        Damage(.envelopes, "(seq 2): the body does not have", "UPDATE event SET body = x'00' WHERE seq = 2"),
        Damage(
            .quarantine, "request 1: the body does not have",
            """
            INSERT INTO quarantine (source_id, received_at, reason, detail, verification, headers, body_sha256, body)
            VALUES (1, '2026-01-01T00:00:00.000Z', 'invalid_json', 'test', 'none', '{}', zeroblob(32), x'7B7D')
            """),
        Damage(
            .envelopes, "(seq 1): the envelope is that of another event",
            """
            UPDATE event SET (envelope, envelope_sha256) =
                (SELECT envelope, envelope_sha256 FROM event WHERE seq = 2) WHERE seq = 1
            """
        ),
        Damage(
            .envelopes, "(seq 4): the envelope is that of another event",
            "UPDATE event SET source_id = 3 - source_id WHERE seq = 4"),
        Damage(
            .signatures, "(seq 5): the body does not have its hub signature",
            "UPDATE event SET (body, body_sha256) = (SELECT body, body_sha256 FROM event WHERE seq = 6) WHERE seq = 5"
        ),
        Damage(.signatures, "(seq 5)", "UPDATE event SET headers = '{}' WHERE seq = 5"),
        Damage(.signatures, "(seq 5)", "UPDATE event SET headers = 'none' WHERE seq = 5"),
        Damage(
            .signatures, "(seq 5)",
            "UPDATE event SET headers = json_set(headers, '$.x-hub-signature-256', json_array('a', 'b')) WHERE seq = 5"
        ),
    ]

    static let counts = [
        Damage(.sequence, "has 11 events, and 12 by its sum", "DELETE FROM event WHERE seq = 12"),
        Damage(.sequence, "has 12 events, and 13 by its sum", "UPDATE source SET events = events + 1 WHERE id = 1"),
        Damage(.sequence, "next sequence would be 5", "UPDATE sqlite_sequence SET seq = 4"),
        Damage(
            .sequence, "orgloop of claude-code stands at 99", "UPDATE cursor SET position = 99 WHERE consumer_id = 3"),
        Damage(.states, "never handed to orgloop", "DELETE FROM emission WHERE seq = 2 AND cursor_id = 3"),
        Damage(
            .states, "is pending for orgloop and was handed",
            "INSERT INTO emission (seq, cursor_id, emission_no, batch_id) VALUES (12, 3, 1, 1)"),
        Damage(.states, "which reads another source", "UPDATE cursor SET source_id = 2 WHERE id = 3"),
        Damage(
            .states, "1 events are dropped, and 2 by the sum",
            "UPDATE tally SET events = 2 WHERE cursor_id = 3 AND state = 'dropped'"),
        Damage(
            .states, "0 events are dropped, and 1 by the sum",
            "UPDATE emission SET outcome = 'delivered' WHERE cursor_id = 3 AND outcome = 'dropped'"),
        Damage(.states, "2 events are pending, and 3 by the sum", "UPDATE cursor SET passed = passed - 1 WHERE id = 3"),
        Damage(
            .states, "waits for a replay to orgloop and is to be handed over anyway",
            "INSERT INTO replay_event (seq, replay_id, cursor_id) VALUES (12, 1, 3)"),
        Damage(
            .states, "waits for a replay to orgloop and is to be handed over anyway",
            "UPDATE replay_event SET emission_no = NULL WHERE emission_no IS NOT NULL"),
        Damage(
            .states, "has no content, and is to be handed over",
            """
            UPDATE event SET envelope = NULL, body = NULL
            WHERE seq IN (SELECT seq FROM replay_event WHERE emission_no IS NULL)
            """),
        Damage(
            .states, "has no content, and is to be handed over",
            """
            UPDATE event SET envelope = NULL, body = NULL WHERE seq IN (SELECT emission.seq FROM emission
                JOIN batch ON batch.id = batch_id WHERE confirmed_at IS NULL AND abandoned_at IS NULL)
            """),
        Damage(.states, "says that it was thinned", "UPDATE source SET thinned_through = 3"),
        Damage(.states, "and none before it", "DELETE FROM emission WHERE seq = 1 AND emission_no = 1"),
        Damage(
            .states, "in a batch of cursor",
            "UPDATE batch SET cursor_id = 1, number = 900 + id WHERE cursor_id = 3 AND confirmed_at IS NOT NULL"),
        Damage(
            .states, "are in no state",
            "UPDATE batch SET confirmed_at = NULL, abandoned_at = drained_at WHERE cursor_id = 3"),
    ]

    static let records = [
        Damage(
            .emissions, "was handed to orgloop 2 times without a replay",
            "INSERT INTO emission (seq, cursor_id, emission_no, batch_id) VALUES (2, 3, 2, 1)"),
        Damage(.emissions, "as emission 2 without a replay", "UPDATE replay SET cursor_id = 1"),
        Damage(.replays, "no actor, no reason or no time", "UPDATE replay SET actor = ' '"),
        Damage(.replays, "no actor, no reason or no time", "UPDATE replay SET reason = char(9)"),
        Damage(.replays, "no actor, no reason or no time", "UPDATE replay SET requested_at = ''"),
        Damage(
            .replays, "says that it emitted seq 1 as emission 7",
            "UPDATE replay_event SET emission_no = 7 WHERE seq = 1"),
        Damage(.replays, "does not know that seq 1", "DELETE FROM replay_event WHERE seq = 1"),
        Damage(.replays, "more events than the 1", "UPDATE replay SET events = 1"),
        Damage(.integrity, "names a row of session that is not there", "DELETE FROM session WHERE engine = 'first/1'"),
        Damage(.schema, "another program's database", "PRAGMA application_id = 7"),
        Damage(.schema, "newer version", "PRAGMA user_version = 99"),
        Damage(.schema, "differs from what its migrations made", "CREATE INDEX mine ON event (type)"),
        Damage(.schema, "differs from what its migrations made", "UPDATE migration SET sha256 = hex(zeroblob(32))"),
    ]

    @Test(arguments: contents + counts + records)
    func `what was changed behind the service's back is found and named`(damage: Damage) async throws {
        let every = try await EveryState()
        try await every.damage(damage.sql)
        let report = try every.verify()
        #expect(!report.isSound)
        let check = try #require(report[damage.check])
        #expect(check.verdict == .failed, "\(report)")
        #expect(check.examples.contains { $0.contains(damage.word) }, "\(check.examples)")
        #expect(check.mend?.isEmpty == false)
        #expect(report.checks.map(\.name) == AuditCheck.Name.allCases)
    }

    @Test func `a schema that was changed by hand does not keep the events from being checked`() async throws {
        let every = try await EveryState()
        try await every.damage("DROP VIEW double_emissions; UPDATE event SET envelope = '' WHERE seq = 3")
        let report = try every.verify()
        #expect(report.failed == [.schema, .envelopes, .emissions])
        #expect(report[.emissions]?.examples == ["no such table: double_emissions"])
    }

    @Test func `a secret that is not configured any more leaves signatures unchecked, which is no failure`()
        async throws
    {
        let every = try await EveryState()
        await every.scratch.store.close()
        let report = try Verify(path: every.path, sources: [every.scratch.source]).run { _ in }
        #expect(report.isSound)
        #expect(report[.signatures]?["not_checked"] == 10)
        #expect(report[.signatures]?["verified"] == 0)
    }

    @Test func `both secrets of a rotation are known, and a request is checked with the one it matched`() async throws {
        let every = try await EveryState()
        let old = SignedSender(every.scratch.source.id, secret: SignedSender.secrets[1])
        _ = try await every.scratch.store.append(old.event(#"{"type":"old"}"#))
        #expect(try every.verify()[.signatures]?["verified"] == 11)
        try await every.damage(
            "UPDATE event SET key_id = (SELECT key_id FROM event WHERE seq = 5) WHERE seq = 14")
        #expect(try every.verify().failed == [.signatures])
    }

    @Test func `thinned events are counted and are no failure`() async throws {
        let every = try await EveryState()
        try await every.damage("UPDATE event SET envelope = NULL, body = NULL WHERE seq IN (2, 10)")
        let report = try every.verify()
        #expect(report.isSound, "\(report)")
        #expect(report[.envelopes]?["thinned"] == 2)
        #expect(report[.signatures]?["verified"] == 9)
    }

    @Test func `pruned events and dropped consumers are reckoned with`() async throws {
        let every = try await EveryState()
        await every.scratch.store.close()
        // Event 13 is the only one of its source, and nobody reads that.
        try EveryState.damage(
            every.path,
            """
            DELETE FROM event WHERE seq = 13;
            UPDATE source SET pruned = 1 WHERE id = 2;
            UPDATE cursor SET position = 9223372036854775807, start_seq = 9223372036854775807, dropped_at = 'x'
            WHERE consumer_id = 1;
            """)
        let report = try every.verify()
        #expect(report[.sequence]?.verdict == .ok, "\(report)")
        #expect(report[.sequence]?["gaps"] == 1)
        #expect(report[.states]?.verdict == .ok, "\(report)")
        try EveryState.damage(every.path, "UPDATE source SET pruned = 0")
        #expect(try every.verify()[.sequence]?.verdict == .failed)
    }

    @Test func `of much damage all is counted and ten are named`() async throws {
        let every = try await EveryState()
        try await every.damage("UPDATE event SET envelope = ' ' || envelope")
        let check = try #require(try every.verify()[.envelopes])
        #expect(check.failures == 13)
        #expect(check.examples.count == Findings.examplesMax)
    }

    @Test func `a flipped bit in an envelope, which SQLite does not see, is found`() async throws {
        let every = try await EveryState()
        await every.scratch.store.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: every.path))
        let place = try #require(bytes.range(of: Data(#""payload":{"type":"test","number":11}"#.utf8)))
        bytes[place.upperBound - 3] ^= 1
        try bytes.write(to: URL(fileURLWithPath: every.path))
        let report = try every.verify()
        #expect(report.failed == [.envelopes])
        #expect(report[.envelopes]?.examples.first?.contains("(seq 11)") == true)
    }

    @Test(arguments: [0, 20, 4096, 8192, 40960])
    func `a page of rubbish is reported, never a crash`(offset: Int) async throws {
        let every = try await EveryState()
        await every.scratch.store.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: every.path))
        bytes.replaceSubrange(offset..<offset + 600, with: Data(repeating: 0xA5, count: 600))
        try bytes.write(to: URL(fileURLWithPath: every.path))
        let report = try every.verify()
        #expect(!report.isSound)
        #expect(report.checks.map(\.name) == AuditCheck.Name.allCases)
        #expect(try Data(contentsOf: URL(fileURLWithPath: every.path)) == bytes)
    }

    @Test func `files that are no database are told apart`() throws {
        let scratch = try ScratchDirectory()
        #expect(throws: StartRefusal.self) { try Verify(path: scratch.path + "/none", sources: []).run { _ in } }
        #expect(throws: StartRefusal.self) { try Verify(path: scratch.path, sources: []).run { _ in } }
        for content in ["", "not a database, but long enough to be taken for one at first sight\n"] {
            try Data(content.utf8).write(to: URL(fileURLWithPath: scratch.database))
            let report = try Verify(path: scratch.database, sources: []).run { _ in }
            #expect(report.failed == [.schema])
            #expect(report.checks.dropFirst().allSatisfy { $0.verdict == .skipped })
        }
    }

    @Test func `a file in a directory that takes no WAL is read as one that nobody changes, and it says so`()
        async throws
    {
        let every = try await EveryState()
        await every.scratch.store.close()
        // A WAL that cannot be made, also by root: its name leads nowhere.
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: every.path + suffix) }
        try FileManager.default.createSymbolicLink(
            atPath: every.path + "-wal", withDestinationPath: every.scratch.scratch.path + "/none/none")
        let report = try every.verify()
        #expect(report.isSound)
        #expect(report.notes.count == 1)
    }
}
