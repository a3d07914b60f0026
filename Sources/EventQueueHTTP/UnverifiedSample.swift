import EventQueue
import Logging

/// Shows, when debugging is on, what requests look like that nobody could verify; their number is a metric.
///
/// The names of their headers tell which scheme a sender speaks, or that a proxy lost the signature. Values are not
/// shown but of three headers that never hold a secret: whoever sends to the wrong source shows its credentials.
struct UnverifiedSample: Sendable {
    /// Enough to see what a sender does wrong. A line has a kilobyte at the most, so that somebody who knocks all
    /// day fills seven megabytes of a disk for each source.
    static let linesPerMinuteMax = 5
    /// Senders and the proxies before them make some twenty headers; what lies beyond is somebody's own.
    private static let namesLengthMax = 512
    /// Longer than the user agents of senders.
    private static let valueLengthMax = 100
    private static let shown = ["content-type", "content-length", "user-agent"]

    private let minutes = MinuteCounter<Source.ID>()

    /// Logs one request, unless the source had its share of this minute.
    func note(
        _ source: Source.ID, _ error: VerificationError, _ headers: some HeaderLookup, at time: Timestamp,
        to logger: Logger
    ) {
        guard logger.logLevel <= .debug, minutes.count(source, at: time).ordinal <= Self.linesPerMinuteMax else {
            return
        }
        var metadata: Logger.Metadata = [
            "source": "\(source)", "reason": "\(error.message)",
            "headers": "\(Self.escaped(Self.names(of: headers), Self.namesLengthMax))",
        ]
        for name in Self.shown {
            guard let value = headers.values(of: name).first else { continue }
            metadata[name] = "\(Self.escaped(value, Self.valueLengthMax))"
        }
        logger.debug("a request could not be verified", metadata: metadata)
    }

    private static func names(of headers: some HeaderLookup) -> String {
        Set(headers.names.map { $0.lowercased() }).sorted().joined(separator: " ")
    }

    /// Printable ASCII of at most `length` characters, whatever a stranger sent.
    private static func escaped(_ text: String, _ length: Int) -> String {
        let head = text.unicodeScalars.prefix(length).map { scalar in
            (0x20..<0x7F).contains(scalar.value) ? String(scalar) : "?"
        }
        return head.joined() + (text.unicodeScalars.count > length ? "…" : "")
    }
}
