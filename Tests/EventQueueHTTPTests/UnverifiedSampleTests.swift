import EventQueue
import Logging
import Synchronization
import Testing

@testable import EventQueueHTTP

/// What the log shows of requests that nobody could verify.
@Suite struct UnverifiedSampleTests {
    private static let time = Timestamp(milliseconds: 1_764_000_000_000)

    private struct Headers: HeaderLookup {
        let fields: [(name: String, value: String)]

        var names: [String] { fields.map(\.name) }

        func values(of name: String) -> [String] { fields.filter { $0.name.lowercased() == name }.map(\.value) }
    }

    private static let headers = Headers(fields: [
        ("X-Api-Key", "hunter2"), ("Authorization", "Bearer hunter2"), ("X-Hub-Signature", "sha1=hunter2"),
        ("User-Agent", "evil\u{1B}[2J\r\n" + String(repeating: "u", count: 1000)), ("Content-Type", "text/plain"),
    ])

    @Test func `it names the headers and the reason, and no value that could be a secret`() throws {
        let source = try #require(Source.ID("deploys"))
        let log = RecordedLog()
        UnverifiedSample().note(source, .missingSignature, Self.headers, at: Self.time, to: log.logger(.debug))
        let line = try #require(log.lines.first)
        #expect(line["source"] == "deploys")
        #expect(line["reason"] == "Missing signature")
        #expect(line["headers"] == "authorization content-type user-agent x-api-key x-hub-signature")
        #expect(line["content-type"] == "text/plain")
        let agent = try #require(line["user-agent"])
        #expect(agent.hasPrefix("evil?[2J??uuu"))
        #expect(agent.hasSuffix("u…"))
        #expect(agent.count == 101)
        #expect(!line.values.contains { $0.contains("hunter2") })
    }

    @Test func `a flood is cut to a few lines for each source and minute`() throws {
        let sample = UnverifiedSample()
        let sources = try ["deploys", "other"].map { try #require(Source.ID($0)) }
        let log = RecordedLog()
        func knock(at time: Timestamp) {
            for source in sources {
                for _ in 0..<100 {
                    sample.note(source, .invalidSignature, Self.headers, at: time, to: log.logger(.debug))
                }
            }
        }
        knock(at: Self.time)
        let share = UnverifiedSample.linesPerMinuteMax
        #expect(sources.map { log.count(of: $0) } == [share, share])
        knock(at: Self.time.advanced(by: .seconds(60)))
        #expect(sources.map { log.count(of: $0) } == [2 * share, 2 * share])
    }

    @Test func `a reason is logged once a minute for each source, with how often it came`() throws {
        let rejections = RejectionLog()
        let sources = try ["deploys", "other"].map { try #require(Source.ID($0)) }
        let log = RecordedLog()
        for seconds in [0, 60, 180] {
            let time = Self.time.advanced(by: .seconds(seconds))
            for _ in 0..<1000 {
                for source in sources { rejections.note(source, "unverified", at: time, to: log.logger(.info)) }
            }
            rejections.note(sources[0], "too_large", at: time, to: log.logger(.info))
        }
        #expect(
            log.lines.map { "\($0["source"] ?? "") \($0["code"] ?? "") \($0["more_since_last"] ?? "-")" } == [
                "deploys unverified -", "other unverified -", "deploys too_large -",
                "deploys unverified 999", "other unverified 999", "deploys too_large -",
                "deploys unverified 999", "other unverified 999", "deploys too_large -",
            ])
    }

    @Test func `what the store could not do is logged once a minute for each reason`() throws {
        let troubles = StoreTroubleLog()
        let log = RecordedLog()
        for seconds in [0, 60] {
            let time = Self.time.advanced(by: .seconds(seconds))
            for failure in [StoreFailure.diskFull("full"), .unavailable("locked")] {
                for _ in 0..<256 { troubles.note(StoreTrouble(failure), at: time, to: log.logger(.info)) }
            }
        }
        #expect(
            log.lines.map { "\($0["code"] ?? "") \($0["more_since_last"] ?? "-")" } == [
                "disk_full -", "unavailable -", "disk_full 255", "unavailable 255",
            ])
    }

    @Test func `header names are cut, too`() throws {
        let source = try #require(Source.ID("deploys"))
        let many = Headers(fields: (0..<500).map { (name: "x-header-\($0)", value: "") })
        let log = RecordedLog()
        UnverifiedSample().note(source, .missingSignature, many, at: Self.time, to: log.logger(.debug))
        #expect(try #require(log.lines.first?["headers"]).count < 600)
    }

    @Test(arguments: [Logger.Level.info, .notice, .warning])
    func `without debugging nothing is shown, and no share is used up`(level: Logger.Level) throws {
        let source = try #require(Source.ID("deploys"))
        let sample = UnverifiedSample()
        let log = RecordedLog()
        for _ in 0..<100 { sample.note(source, .missingSignature, Self.headers, at: Self.time, to: log.logger(level)) }
        #expect(log.lines.isEmpty)
        sample.note(source, .missingSignature, Self.headers, at: Self.time, to: log.logger(.debug))
        #expect(log.lines.count == 1)
    }
}

/// The metadata of what was logged.
private final class RecordedLog: Sendable {
    private let recorded = Mutex<[[String: String]]>([])

    private struct Handler: LogHandler {
        let log: RecordedLog
        var logLevel: Logger.Level
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.recorded.withLock { $0.append((event.metadata ?? [:]).mapValues { "\($0)" }) }
        }
    }

    var lines: [[String: String]] { recorded.withLock(\.self) }

    func count(of source: Source.ID) -> Int { lines.count { $0["source"] == source.rawValue } }

    func logger(_ level: Logger.Level) -> Logger {
        Logger(label: "test") { _ in Handler(log: self, logLevel: level) }
    }
}
