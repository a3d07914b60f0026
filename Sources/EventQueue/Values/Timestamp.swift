public import FoundationEssentials

/// A point of the wall clock in whole milliseconds since 1970, UTC.
///
/// It is recorded for people. It decides no order and no cursor: the clock may jump.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads the machine's clock.
    public static func now() -> Timestamp { Timestamp(Date()) }

    /// Cuts `date` to whole milliseconds.
    public init(_ date: Date) {
        milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded(.down))
    }

    /// Parses an ISO 8601 date and time with a zone; `nil` for anything else.
    public init?(iso8601 text: String) {
        if let milliseconds = ISO8601.milliseconds(text) {
            self.milliseconds = milliseconds
            return
        }
        // A ninth of a second more or less decides nothing here; both forms occur in practice.
        let parsed =
            (try? Date(text, strategy: .iso8601WithFraction)) ?? (try? Date(text, strategy: .iso8601))
        guard let parsed else { return nil }
        // Rounded, because a decimal fraction of a second has no exact binary form.
        milliseconds = Int64((parsed.timeIntervalSince1970 * 1000).rounded())
    }

    /// `2025-01-15T10:30:00.000Z`: as text it sorts like the time it names, for years 0000 to 9999.
    public var iso8601: String {
        if let text = ISO8601.text(milliseconds) { return text }
        // Half a millisecond more, because a decimal fraction has no exact binary form and the style cuts it off.
        return Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000).formatted(.iso8601WithFraction)
    }

    public var description: String { iso8601 }

    public static func < (one: Self, other: Self) -> Bool { one.milliseconds < other.milliseconds }

    /// The time `duration` later (earlier when negative), to the millisecond.
    public func advanced(by duration: Duration) -> Timestamp {
        Timestamp(milliseconds: milliseconds + duration.milliseconds)
    }
}

/// Where the time comes from: the machine's clock in the service, a moved one in tests.
public typealias TimeSource = @Sendable () -> Timestamp

extension Duration {
    /// The whole milliseconds in it, rounded towards zero.
    public var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

extension FormatStyle where Self == Date.ISO8601FormatStyle {
    fileprivate static var iso8601WithFraction: Self { .init(includingFractionalSeconds: true) }
}

extension ParseStrategy where Self == Date.ISO8601FormatStyle {
    fileprivate static var iso8601WithFraction: Self { .init(includingFractionalSeconds: true) }
}
