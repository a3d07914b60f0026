import EventQueue
import Foundation
import Testing

@Suite struct TimestampTests {
    @Test func `every millisecond is printed as itself and read back as itself`() {
        for milliseconds in Int64(1_764_000_000_000)..<1_764_000_001_000 {
            let time = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(iso8601: time.iso8601) == time)
            #expect(time.iso8601.hasSuffix(".\(String(milliseconds % 1000 + 1000).dropFirst())Z"))
        }
    }

    @Test func `a time is printed and read as Foundation does it`() throws {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        // Month ends, leap days of every kind of year, both ends of four-digit years, and what lies outside.
        let days = ["1970-01-01", "1999-12-31", "2000-02-29", "2024-02-29", "2025-03-01", "2100-02-28", "9999-12-31"]
        let midnights = try days.map { try Date("\($0)T00:00:00Z", strategy: .iso8601) }
            .map { Int64($0.timeIntervalSince1970) * 1000 }
        let edges = midnights.flatMap { day in [-1, 0, 1, 999, 43_200_000, 86_399_999, 86_400_000].map { day + $0 } }
        var generator = SystemRandomNumberGenerator()
        let anywhere = (0..<5000).map { _ in
            Int64.random(in: -100_000_000_000...253_402_300_799_999, using: &generator)
        }
        for milliseconds in edges + anywhere {
            let time = Timestamp(milliseconds: milliseconds)
            let text = Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000).formatted(style)
            #expect(time.iso8601 == text)
            #expect(Timestamp(iso8601: text) == time)
            let whole = milliseconds - (milliseconds % 1000 + 1000) % 1000
            #expect(Timestamp(iso8601: String(text.prefix(19) + "Z"))?.milliseconds == whole)
        }
    }

    @Test(
        arguments: [
            "2025-01-15T10:30:00.000Z", "2025-01-15T10:30:00Z", "2025-01-15T10:30:00.123456Z", "2025-01-15T10:30:00.5Z",
            "2025-01-15T12:30:00+02:00", "1969-12-31T23:59:59Z", "2025-02-30T00:00:00Z", "2025-13-01T00:00:00Z",
            "2025-00-10T00:00:00Z", "2025-01-00T00:00:00Z", "2025-01-15T24:00:00Z", "2025-01-15T10:60:00Z",
            "2025-01-15T10:30:60Z", "2025-01-15 10:30:00Z", "2025-01-15T10:30:00,000Z", "2025-01-15T10:30:00.00aZ",
            "20a5-01-15T10:30:00.000Z", "2025-01-15T10:30:00.000z", "+2025-1-15T10:30:00.000Z", "", "Z",
        ])
    func `a text is a time where Foundation says so`(text: String) {
        let withFraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let parsed = (try? Date(text, strategy: withFraction)) ?? (try? Date(text, strategy: .iso8601))
        let milliseconds = parsed.map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) }
        #expect(Timestamp(iso8601: text)?.milliseconds == milliseconds)
    }
}
