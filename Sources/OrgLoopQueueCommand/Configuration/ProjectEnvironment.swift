import Foundation

/// The `.env` of an OrgLoop project: `NAME=value` lines that stand in for the environment.
enum ProjectEnvironment {
    /// Reads the file at `path`; `nil` when there is none, or when it cannot be read, which OrgLoop does not mind.
    static func read(_ path: String) -> [String: String]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return parse(String(decoding: data, as: UTF8.self))
    }

    /// The settings of a text: comments begin with `#`, and quotes around a value are not part of it.
    static func parse(_ text: String) -> [String: String] {
        var settings: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            var line = trimmed(line)
            if line.hasPrefix("export ") { line = trimmed(line.dropFirst("export ".count)) }
            guard !line.hasPrefix("#"), let sign = line.firstIndex(of: "=") else { continue }
            let name = trimmed(line[..<sign])
            guard !name.isEmpty else { continue }
            settings[String(name)] = unquoted(trimmed(line[line.index(after: sign)...]))
        }
        return settings
    }

    private static func unquoted(_ value: Substring) -> String {
        for quote in ["\"", "'"] where value.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            return String(value.dropFirst().dropLast())
        }
        return String(value)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { start[...$0] } ?? ""
    }
}
