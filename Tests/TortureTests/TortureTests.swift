import Foundation
import Testing

/// Faults of the kernel, the disk and the power, met by the real binary; each row of the table is a fault.
///
/// A test run takes a sample of the points where a fault can strike, `./config/bootstrap torture` all of
/// them. `ORGLOOP_QUEUE_TORTURE_SEED` makes the same choices again.
@Suite(.serialized, .tabulated) struct TortureTests {}

/// What the environment asks of the torture.
enum TortureSettings {
    /// How many of the points where a fault can strike are tried.
    enum Form { case sample, all }

    static let form: Form = environment["ORGLOOP_QUEUE_TORTURE"] == nil ? .sample : .all
    /// Whether everything is tried, and not only what a filter has chosen.
    static let isWholeRun = environment["ORGLOOP_QUEUE_TORTURE"] == "all"
    static let seed =
        environment["ORGLOOP_QUEUE_TORTURE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...UInt64(UInt32.max))

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }
}
