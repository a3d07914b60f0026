import EventQueue

extension Limits.Settings {
    private static let byteKeys: [(String, any WritableKeyPath<Self, Int> & Sendable, ClosedRange<Int>)] = [
        // A body is held in memory several times while it is verified and stored.
        ("body_bytes_max", \.bodyBytesMax, 1...(256 << 20)),
        ("header_bytes_max", \.headerBytesMax, 1024...(1 << 20)),
        ("in_flight_bytes_max", \.inFlightBytesMax, 1...(64 << 30)),
        ("quarantine_bytes_max", \.quarantineBytesMax, 0...Int.max),
        ("queue_bytes_max", \.queueBytesMax, (1 << 20)...Int.max),
        ("free_bytes_min", \.freeBytesMin, 0...Int.max),
        ("wal_bytes_warning", \.walBytesWarning, (1 << 20)...Int.max),
    ]
    private static let countKeys: [(String, any WritableKeyPath<Self, Int> & Sendable, ClosedRange<Int>)] = [
        ("header_fields_max", \.headerFieldsMax, 1...10_000),
        ("connections_max", \.connectionsMax, 1...65_535),
        ("quarantine_rows_max", \.quarantineRowsMax, 0...100_000_000),
        ("queue_events_max", \.queueEventsMax, 1...Int.max),
    ]
    private static let durationKeys: [(String, any WritableKeyPath<Self, Duration> & Sendable, ClosedRange<Duration>)] =
        [
            ("head_timeout", \.headTimeout, .milliseconds(1)...(.seconds(600))),
            ("body_timeout", \.bodyTimeout, .milliseconds(1)...(.seconds(600))),
            ("settle_after_max", \.settleAfterMax, .seconds(1)...Duration.longest),
        ]

    private static var keys: [String] {
        byteKeys.map(\.0) + countKeys.map(\.0) + durationKeys.map(\.0)
    }

    /// Takes what the `limits` of a file say; what they leave out stays as it is.
    mutating func read(_ entry: ConfigurationReader.Entry?, with reader: inout ConfigurationReader) {
        let members = reader.members(entry, keys: Self.keys)
        for (key, path, range) in Self.byteKeys {
            let allowed = "allowed: \(Quantities.bytesForm), \(Self.spelled(range))"
            if let value = reader.value(
                members[key], allowed: allowed, parse: Self.within(range, Quantities.bytes))
            {
                self[keyPath: path] = value
            }
        }
        for (key, path, range) in Self.countKeys {
            let allowed = "allowed: an integer, \(Self.spelled(range))"
            let parse = Self.within(range) { Quantities.integer($0) }
            if let value = reader.value(members[key], allowed: allowed, parse: parse) {
                self[keyPath: path] = value
            }
        }
        for (key, path, range) in Self.durationKeys {
            if let value = reader.duration(members[key], in: range) { self[keyPath: path] = value }
        }
        if let entry, inFlightBytesMax < bodyBytesMax {
            let culprit = members["in_flight_bytes_max"] ?? members["body_bytes_max"] ?? entry
            reader.report(
                "in_flight_bytes_max is smaller than body_bytes_max", at: culprit,
                allowed: "allowed: at least \(bodyBytesMax), so that one body fits")
        }
    }

    /// The limits that `other` sets differently, each with what it was and what it is.
    func changes(to other: Self) -> [String] {
        let numbers = (Self.byteKeys + Self.countKeys).map { key, path, _ in
            (key, "\(self[keyPath: path])", "\(other[keyPath: path])")
        }
        let times = Self.durationKeys.map { key, path, _ in
            (key, Quantities.spelled(self[keyPath: path]), Quantities.spelled(other[keyPath: path]))
        }
        return (numbers + times).filter { $0.1 != $0.2 }.map { "limits: \($0.0) from \($0.1) to \($0.2)" }
    }

    private static func within(
        _ range: ClosedRange<Int>, _ parse: @escaping (String) -> Int?
    ) -> (String) -> Int? {
        { text in parse(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    private static func spelled(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}
