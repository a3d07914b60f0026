public import EventQueue
import Synchronization

/// What an engine's tests bring to the conformance suite: a store that can be killed and brought back.
public protocol ConformanceHarness: Sendable {
    /// The store as it is open now.
    var store: any EventStore { get async }

    /// Drops the store as a kill would, as far as a test inside the process can, and opens the data again.
    func restart() async throws

    /// Copies the data as it is now, while the store serves.
    func takeBackup() async throws

    /// Stops the store, puts the last backup in the place of its data, and opens it.
    func restoreBackup() async throws
}

/// What the suite sets up every store with.
public struct ConformanceSetUp: Sendable {
    /// The sources that exist.
    public let sources = [Source.ID("claude-code"), Source.ID("deploys")].compactMap(\.self)
    /// The consumer that refuses to go on after a regression; every other one resumes.
    public let refusing = Consumer.ID("strict")
    /// The consumer whose events in doubt are replayed without an operator; every other one holds them.
    public let replaying = known("eager")
    /// A second reader without wishes of its own.
    public let other = known("other")
    /// The time that the store is to use.
    public let clock = MovedClock()

    public init() {}

    private static func known(_ name: String) -> Consumer.ID {
        guard let id = Consumer.ID(name) else { preconditionFailure("\(name) is a name") }
        return id
    }
}

/// A clock that moves only when a test moves it.
public final class MovedClock: Sendable {
    private let time = Mutex(Timestamp(milliseconds: 1_764_000_000_000))

    public init() {}

    public var now: Timestamp { time.withLock(\.self) }

    /// Moves it; backwards when `duration` is negative.
    public func move(by duration: Duration) {
        time.withLock { $0 = $0.advanced(by: duration) }
    }

    /// The clock as a store takes it.
    public var source: TimeSource { { self.now } }
}

/// A promise was broken; the text says how.
public struct BrokenPromise: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Throws ``BrokenPromise`` unless `condition` holds.
func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
    guard condition else { throw BrokenPromise(otherwise()) }
}

func expectEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws {
    try expect(found == expected, "\(what): found \(found), expected \(expected)")
}

/// Runs `body` and expects it to be refused.
func expectRefusal(_ refusal: ProtocolRefusal, _ what: String, _ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let thrown as ProtocolRefusal {
        return try expectEqual(thrown, refusal, what)
    }
    throw BrokenPromise("\(what): was not refused as \(refusal.code)")
}
