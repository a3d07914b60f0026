import ArgumentParser
import EventQueue
import Logging

/// How log lines look.
enum LogFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// For people at a terminal.
    case text
    /// One JSON object a line, for whatever collects them.
    case json
}

/// Writes log lines to standard error, one write a line, so that lines of several threads never mix.
struct StreamLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat

    init(label: String, level: Logger.Level, format: LogFormat) {
        self.label = label
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        let members = merged.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
        StandardStream.error.say(
            line(level: event.level, message: "\(event.message)", members: members, at: .now()))
    }

    func line(
        level: Logger.Level, message: String, members: [(String, String)], at time: Timestamp
    ) -> String {
        switch format {
        case .text:
            // One line whatever a message holds: a log that can be forged with a newline proves nothing.
            let fields = members.map { " \($0.0)=" + Self.word($0.1) }.joined()
            return "\(time) \(level.rawValue) " + Self.oneLine(message) + fields
        case .json:
            let metadata = JSONOutput.object(members.map { ($0.0, JSONOutput.quoted($0.1)) })
            return JSONOutput.object([
                ("timestamp", JSONOutput.quoted("\(time)")), ("level", JSONOutput.quoted(level.rawValue)),
                ("message", JSONOutput.quoted(message)), ("label", JSONOutput.quoted(label)),
                ("metadata", metadata),
            ])
        }
    }

    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    }

    private static func word(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "=" }
        return isPlain && !text.isEmpty ? text : JSONOutput.quoted(text)
    }
}
