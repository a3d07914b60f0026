import EndToEndSupport
import Testing

extension TortureTests {
    /// The power goes: what was synced is there, and of the rest anything.
    @Suite(
        .timeLimit(.minutes(20)), .enabled("strace is missing or may not trace") { await Tool.canTrace() },
        .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    struct PowerLossTests {
        private static let isWhole = TortureSettings.form == .all
        private static let random = SeededRandom(seed: TortureSettings.seed)

        @Test(arguments: isWhole ? [Ground.Kind.light, .heavy] : [.light])
        func `what was acknowledged outlives the power, on`(_ kind: Ground.Kind) async throws {
            let run = try await PowerLossRun(on: Ground.make(kind), .real)
            let judgements = try await run.losePower(Self.isWhole ? 80 : 10, Self.random)
            TortureTable.add(.power, "lost on \(kind.rawValue)", judgements)
        }

        /// The control of the test above: the very same judge, on a service whose syncs do nothing.
        @Test func `a service that does not sync is found out`() async throws {
            let run = try await PowerLossRun(on: Ground.make(.light), .pretended)
            // Where everything is left nothing can be found.
            let mercies = SimulatedDisk.Mercy.allCases.filter { $0 != .everything }
            let judgements = try await run.losePower(Self.isWhole ? 20 : 5, Self.random, leaving: mercies)
            TortureTable.addControl("power lost without syncs", judgements)
        }
    }
}
