import EndToEndSupport
import Foundation
import Testing

extension TortureTests {
    /// SIGKILL at every system call that writes, syncs or looks at the database.
    @Suite(
        .timeLimit(.minutes(20)),
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

        @Test func `nothing is lost when the service is killed while the WAL is copied into the database`()
            async throws
        {
            let ground = try await Ground.make(.heavy)
            let isWhole = TortureSettings.form == .all
            var judgements: [Judgement] = []
            // The copy takes a thousand writes, which are all alike.
            for (call, stride) in [("pwrite64", isWhole ? 9 : 701), ("fdatasync", 1), ("ftruncate", 1)] {
                let sweep = KillSweep(
                    ground: ground, stride: stride, random: SeededRandom(seed: TortureSettings.seed))
                judgements += try await sweep.run(.appendLarge, at: call, .database)
            }
            TortureTable.add(.kill, Verb.appendLarge.rawValue, judgements)
        }

        private static let startCalls = ["pwrite64", "fdatasync", "fsync", "ftruncate", "openat", "unlink"]

        @Test(arguments: [Ground.Kind.empty, .light])
        func `a kill while the service starts leaves what the next start can use, on`(
            _ kind: Ground.Kind
        ) async throws {
            let ground = try await Ground.make(kind)
            var judgements: [Judgement] = []
            for call in Self.startCalls {
                let sweep = Self.sweep(ground, sampling: call == "pwrite64" ? 60 : 5)
                judgements += try await sweep.runStart(at: call)
            }
            TortureTable.add(.kill, "start on \(kind.rawValue)", judgements)
        }

        /// Before there is a WAL, a rollback journal is what the next start has to undo.
        @Test func `a service that is killed at the first sync of its life starts again`() async throws {
            let scratch = try Scratch()
            let point = Point(strike: .kill, call: "fdatasync", scope: .database, number: 1)
            let flags = Tracer.flags(point, log: scratch.path + "/trace", in: scratch)
            let end = await #expect(throws: ServiceProcess.NotStarted.self) {
                _ = try await ServiceProcess.start(in: scratch, tracer: ["strace", "-D"] + flags)
            }
            #expect(end?.status == -SIGKILL)
            #expect(FileManager.default.fileExists(atPath: scratch.database + "-journal"))
            let judgement = await Aftermath.judge(Witness(), retrying: [.append], in: scratch)
            TortureTable.add(.kill, "the first sync", [judgement])
        }

        @Test func `a kill while the service stops loses nothing`() async throws {
            let ground = try await Ground.make(.light)
            var judgements: [Judgement] = []
            for call in Self.startCalls {
                let sweep = Self.sweep(ground, sampling: call == "pwrite64" ? 20 : 1)
                judgements += try await sweep.runStop(at: call)
            }
            TortureTable.add(.kill, "stop", judgements)
        }

        static func sweep(_ ground: Ground, sampling stride: Int) -> KillSweep {
            KillSweep(
                ground: ground, stride: TortureSettings.form == .all ? 1 : stride,
                random: SeededRandom(seed: TortureSettings.seed))
        }
    }
}
