import EndToEndSupport
import Testing

extension TortureTests {
    /// An error of the disk at every system call on the database and its WAL, one at a time.
    @Suite(
        .timeLimit(.minutes(20)),
        .enabled(if: Tracer.canAttach, "strace is not installed, or may not join a running process"),
        .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    struct ErrorSweepTests {
        private static let isWhole = TortureSettings.form == .all
        private static let faults: [(call: String, error: String, stride: Int)] =
            [("pwrite64", "ENOSPC", 13), ("pwrite64", "EIO", 13), ("pread64", "EIO", 9), ("fdatasync", "EIO", 1)]
            // Where they are called at all, they are seldom: a whole run has the time to find out.
            + (isWhole ? [("fdatasync", "ENOSPC", 1), ("ftruncate", "EIO", 1), ("openat", "EIO", 1)] : [])

        @Test(arguments: [Verb.append, .appendTogether, .poll, .settle, .replay])
        func `a disk that fails once costs a caller an answer and nobody an event, under`(
            _ verb: Verb
        ) async throws {
            let ground = try await Ground.make(.light)
            var judgements: [Judgement] = []
            for fault in Self.faults {
                let sweep = Self.sweep(ground, sampling: fault.stride)
                judgements += try await sweep.run(verb, at: fault.call, with: fault.error)
            }
            TortureTable.add(.error, verb.rawValue, judgements)
        }

        @Test func `a disk that fails while the WAL is copied into the database loses nothing`() async throws {
            let ground = try await Ground.make(.heavy)
            var judgements: [Judgement] = []
            for fault in Self.faults {
                // The copy takes a thousand writes, which are all alike.
                let sweep = ErrorSweep(
                    ground: ground, stride: fault.call.hasPrefix("p") ? Self.checkpointStride : 1,
                    random: SeededRandom(seed: TortureSettings.seed))
                judgements += try await sweep.run(.appendLarge, at: fault.call, with: fault.error)
            }
            TortureTable.add(.error, Verb.appendLarge.rawValue, judgements)
        }

        @Test(arguments: [Ground.Kind.empty, .light])
        func `a disk that fails while the service starts leaves what a later start can use, on`(
            _ kind: Ground.Kind
        ) async throws {
            let ground = try await Ground.make(kind)
            var judgements: [Judgement] = []
            for fault in Self.faults {
                // A start reads the whole file.
                let sweep = Self.sweep(ground, sampling: fault.stride * 9, whole: 5)
                judgements += try await sweep.runStart(at: fault.call, with: fault.error)
            }
            TortureTable.add(.error, "start on \(kind.rawValue)", judgements)
        }

        private static var checkpointStride: Int { isWhole ? 97 : 701 }

        /// - Parameter whole: How far the next point of a whole run is.
        private static func sweep(_ ground: Ground, sampling stride: Int, whole: Int = 1) -> ErrorSweep {
            ErrorSweep(
                ground: ground, stride: isWhole ? whole : stride,
                random: SeededRandom(seed: TortureSettings.seed))
        }
    }
}
