import EndToEndSupport
import Testing

extension TortureTests {
    /// SIGKILL at every system call that writes, syncs or looks at the database.
    @Suite(
        .enabled(if: Tracer.canAttach, "strace is not installed, or may not join a running process"),
        .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    struct KillSweepTests {
        /// The stat calls are behind the commit and before the answer; the plain writes are the answer.
        private static let calls: [(name: String, scope: Point.Scope, stride: Int)] = [
            ("pwrite64", .database, 6), ("fdatasync", .database, 1), ("newfstatat", .database, 3),
            ("write", .everything, 4),
        ]

        @Test(arguments: [Verb.append, .appendTogether, .poll, .settle, .replay])
        func `nothing is lost and nothing comes twice when the service is killed under`(_ verb: Verb) async throws {
            let ground = try await Ground.make(.light)
            var judgements: [Judgement] = []
            for call in Self.calls {
                let sweep = Self.sweep(ground, sampling: call.stride)
                judgements += try await sweep.run(verb, at: call.name, call.scope)
            }
            TortureTable.add(.kill, verb.rawValue, judgements)
        }

        static func sweep(_ ground: Ground, sampling stride: Int) -> KillSweep {
            KillSweep(
                ground: ground, stride: TortureSettings.form == .all ? 1 : stride,
                random: SeededRandom(seed: TortureSettings.seed))
        }
    }
}
