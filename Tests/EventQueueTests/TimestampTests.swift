import EventQueue
import Testing

@Suite struct TimestampTests {
    @Test func `every millisecond is printed as itself and read back as itself`() {
        for milliseconds in Int64(1_764_000_000_000)..<1_764_000_001_000 {
            let time = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(iso8601: time.iso8601) == time)
            #expect(time.iso8601.hasSuffix(".\(String(milliseconds % 1000 + 1000).dropFirst())Z"))
        }
    }
}
