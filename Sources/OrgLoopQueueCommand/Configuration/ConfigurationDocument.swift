import Foundation
import Yams

/// A configuration file as YAML, before anybody knows whose grammar it has.
enum ConfigurationDocument {
    /// A configuration file is written by a person; more than this is another file given by mistake.
    private static let fileBytesMax = 1 << 20

    /// Reads and parses the file at `path`; `nil` for an empty one, which says nothing and is allowed.
    static func read(_ path: String) throws(ConfigurationProblem) -> Node? {
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: fileBytesMax + 1) ?? Data()
        else {
            throw .whole(path, "the file cannot be read", allowed: "name a readable file with --config")
        }
        guard data.count <= fileBytesMax, let text = String(validating: data, as: UTF8.self) else {
            throw .whole(path, "is not a configuration file", allowed: "allowed: UTF-8 text of at most 1 MiB")
        }
        return try parse(text, file: path)
    }

    /// Parses the text of `file`.
    static func parse(_ text: String, file: String) throws(ConfigurationProblem) -> Node? {
        do {
            try YAMLBounds.check(text)
            return try Yams.compose(yaml: text)
        } catch {
            throw problem(of: error, in: file)
        }
    }

    private static func problem(of error: any Error, in file: String) -> ConfigurationProblem {
        func problem(_ text: String, _ mark: Mark?) -> ConfigurationProblem {
            let origin = ConfigurationProblem.Origin.file(
                file, line: mark?.line ?? 1, column: mark?.column ?? 1)
            return ConfigurationProblem(origin: origin, key: "", problem: text, allowed: "allowed: YAML")
        }
        return switch error {
        case let excess as YAMLBounds.Excess:
            ConfigurationProblem(
                origin: .file(file, line: excess.line, column: excess.column), key: "", problem: excess.problem,
                allowed: excess.allowed)
        case YamlError.scanner(_, let text, let mark, _), YamlError.parser(_, let text, let mark, _),
            YamlError.composer(_, let text, let mark, _):
            problem(text, mark)
        case YamlError.duplicatedKeysInMapping(let keys, let context):
            ConfigurationProblem(
                origin: .file(file, line: context.mark.line, column: context.mark.column),
                key: keys.joined(separator: ", "), problem: "the key occurs twice",
                allowed: "allowed: each key once in a mapping")
        default:
            problem("is not readable as YAML", nil)
        }
    }
}
