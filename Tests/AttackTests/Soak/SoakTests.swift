import Foundation
import Testing

extension AttackTests {
    /// What the service takes does not grow with what it has done.
    ///
    /// `ORGLOOP_QUEUE_SOAK=600`, which `./config/bootstrap soak` sets, is the run that tells; without it ten seconds show
    /// that the run itself works.
    @Suite(
        .serialized, .timeLimit(.minutes(120)), .enabled(if: Footprint.isKnown, "this machine has no /proc"))
    struct SoakTests {
        private static let wanted = ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_SOAK"].flatMap { Int($0) }
        /// A run of fewer seconds has not reached its level when it is over: retention begins after two and sweeps every
        /// five, and the file grows until the first sweeps have left room in it.
        private static let secondsOfLevel = 60
        private static let samples = 30

        @Test func `memory, descriptors, database and WAL stay flat at half the peak rate with retention`() async throws
        {
            let seconds = Self.wanted ?? 10
            let run = try await SoakRun()
            let engine = Task { try await run.engine() }
            let peak = try await run.peak(for: .seconds(Self.wanted == nil ? 1 : min(10, max(2, seconds / 10))))
            let before = run.eventsSent
            let taken = try await run.soak(
                for: .seconds(seconds), rate: peak / 2, each: .milliseconds(seconds * 1000 / Self.samples))
            run.stopEngine()
            try await engine.value
            if Self.wanted != nil {
                Self.report(taken, peak: peak)
                let reached = Double(run.eventsSent - before) / Double(seconds)
                #expect(reached > 0.8 * peak / 2, "only \(reached) events/s were sent")
            }
            #expect(run.eventsHandled == run.eventsSent)
            let rows = try await run.service.run(["status", "--json"])
            #expect(rows.status == 0)
            #expect(taken.count >= Self.samples - 1)
            // The file of a run that keeps everything would be larger than this by its tenth second.
            #expect(run.service.standardError.contains(#""message":"pruned""#), "retention did not take part")
            if seconds >= Self.secondsOfLevel { Self.expectLevel(taken) }
            #expect(await run.service.stop() == 0)
            let verified = try await Binary.run(["verify"], in: run.service.scratch)
            #expect(verified.status == 0, "\(verified.output)")
        }

        private static func report(_ samples: [SoakRun.Sample], peak: Double) {
            print(String(format: "soak: peak %.0f events/s, sent at half of it, retention keeps 2 s", peak))
            print(SoakRun.Sample.heading)
            for sample in samples { print(sample.line) }
        }

        /// Holds the last third against the middle one: the first is for caches to fill and the file to find its size.
        ///
        /// Medians, because a sample meets the WAL and the heap at any point of their ups and downs. What leaks even a
        /// hundredth of each event's kilobyte is beyond the bounds after ten minutes.
        private static func expectLevel(_ samples: [SoakRun.Sample]) {
            let third = samples.count / 3
            let (middle, last) = (samples[third..<2 * third], samples[(2 * third)...])
            let kinds: [(name: String, value: (SoakRun.Sample) -> Int, slack: Int)] = [
                // An allocator's arena comes in some megabytes.
                ("memory", \.residentBytes, 8 << 20),
                // A connection more or less, and a reader of the database.
                ("descriptors", \.descriptors, 8),
                // What comes in between two sweeps of retention differs.
                ("database", \.databaseBytes, 4 << 20),
                // It is cut when nobody reads, and at least at each checkpoint of five seconds.
                ("WAL", \.walBytes, 16 << 20),
            ]
            for (name, value, slack) in kinds {
                let (before, after) = (median(middle.map(value)), median(last.map(value)))
                let bound = before + before / 20 + slack
                print("\(name): middle third \(before), last third \(after), at most \(bound)")
                #expect(after <= bound, "\(name) grew from \(before) to \(after)")
            }
        }

        private static func median(_ values: [Int]) -> Int {
            let sorted = values.sorted()
            return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        }
    }
}
