public import Synchronization

/// A value that a reload of the configuration may replace while others read it.
///
/// Inlinable, because a request asks for several: what a generic `Mutex` is would be looked up each time.
public final class Current<Value: Sendable>: Sendable {
    @usableFromInline let held: Mutex<Value>

    public init(_ value: Value) { held = Mutex(value) }

    /// The value that holds at this moment; whoever needs two parts of it takes both from one reading.
    @inlinable public var value: Value { held.withLock { $0 } }

    /// Replaces the value for everybody who asks from now on, and returns the one before.
    @discardableResult
    public func replace(with value: Value) -> Value {
        held.withLock { held in
            defer { held = value }
            return held
        }
    }
}
