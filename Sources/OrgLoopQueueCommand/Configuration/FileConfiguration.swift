import EventQueue
import Yams

/// What a configuration file says; what it leaves out is `nil`.
struct FileConfiguration {
    var listen: ListenAddress?
    var hosts: [String]?
    var database: String?
    var tokenFile: String?
    var sources: [SourceConfiguration]?
    var consumers: [ConsumerConfiguration]?
    var retention = Retention()
    var limits = Limits.Settings()

    static let keys = [
        "listen", "hosts", "database", "token_file", "sources", "consumers", "retention", "limits",
        // OrgLoop heads its own files with these two.
        "apiVersion", "kind",
    ]

    /// Reads the text of `file`; every problem is collected.
    ///
    /// - Parameter file: The name that problems are reported under.
    static func parse(
        _ text: String, file: String, environment: [String: String]
    ) -> (configuration: FileConfiguration, problems: [ConfigurationProblem]) {
        var reader = ConfigurationReader(file: file, environment: environment)
        do {
            // An empty file says nothing, which is allowed.
            guard let root = try Yams.compose(yaml: text) else { return (FileConfiguration(), []) }
            let configuration = read(root, with: &reader)
            return (configuration, reader.problems.sorted { $0.origin.precedes($1.origin) })
        } catch {
            return (FileConfiguration(), [problem(of: error, in: file)])
        }
    }

    private static func read(_ root: Node, with reader: inout ConfigurationReader) -> FileConfiguration {
        let members = reader.members(reader.root(root), keys: keys)
        var configuration = FileConfiguration()
        configuration.listen = reader.value(members["listen"], allowed: ListenAddress.allowed) {
            ListenAddress($0)
        }
        configuration.hosts = reader.elements(members["hosts"])?.compactMap { entry in
            reader.value(entry, allowed: "allowed: a host name without scheme and path") { hostName($0) }
        }
        configuration.database = reader.text(members["database"], allowed: "allowed: a path")
        configuration.tokenFile = reader.text(members["token_file"], allowed: "allowed: a path")
        configuration.sources = SourceConfiguration.list(members["sources"], with: &reader)
        configuration.consumers = ConsumerConfiguration.list(members["consumers"], with: &reader)
        configuration.retention.read(members["retention"], with: &reader)
        configuration.limits.read(members["limits"], with: &reader)
        for key in ["apiVersion", "kind"] { _ = reader.text(members[key], allowed: "allowed: a text") }
        return configuration
    }

    private static func hostName(_ text: String) -> String? {
        text.contains("/") || text.contains(" ") ? nil : text
    }

    private static func problem(of error: any Error, in file: String) -> ConfigurationProblem {
        func problem(_ text: String, _ mark: Mark?) -> ConfigurationProblem {
            let origin = ConfigurationProblem.Origin.file(
                file, line: mark?.line ?? 1, column: mark?.column ?? 1)
            return ConfigurationProblem(origin: origin, key: "", problem: text, allowed: "allowed: YAML")
        }
        return switch error {
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

extension ConfigurationReader {
    /// A duration within `range`.
    mutating func duration(_ entry: Entry?, in range: ClosedRange<Duration>) -> Duration? {
        let bounds = "\(Quantities.spelled(range.lowerBound)) to \(Quantities.spelled(range.upperBound))"
        return value(entry, allowed: "allowed: \(Quantities.durationForm), from \(bounds)") { text in
            Quantities.duration(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Duration {
    /// A hundred years: what is longer is a slip.
    static let longest: Duration = .seconds(36_500 * 86_400)
}
