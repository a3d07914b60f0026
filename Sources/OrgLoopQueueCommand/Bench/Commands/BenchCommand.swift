import ArgumentParser

/// Measures what the queue can do here.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures the queue on this machine, by itself and against others.",
        discussion: """
            A load generator of its own keeps a number of requests in flight: signed bodies of \
            \(SessionBodies.bytes) bytes, all different, written down before the clock starts. The service is this \
            program's own, on a database in a scratch directory, which is gone afterwards, also after Ctrl-C.

            It shares the machine with what it measures, and a machine is never as fast twice: only figures of one \
            run can be compared. Use a release build; ./config/bootstrap bench makes one and runs them all.

            EXAMPLE
              orgloop-queue bench ingest
              orgloop-queue bench compare
              orgloop-queue bench scale --events 10000000
            """,
        subcommands: [
            BenchIngestCommand.self, BenchLatencyCommand.self, BenchDrainCommand.self, BenchScaleCommand.self,
            BenchCompareCommand.self, BenchResponderCommand.self,
        ])
}
