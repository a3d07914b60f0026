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
    /// The other files that an OrgLoop project led to.
    var files: [String] = []
    /// What was left out of an OrgLoop project, and why.
    var notices: [String] = []
    /// What relative paths of the sources are relative to, when it is not the file's own directory.
    var directory: String?

    /// The keys that OrgLoop's files do not have, beside `sources` and those that head a file.
    static let ownKeys = ["listen", "hosts", "database", "token_file", "consumers", "retention", "limits"]
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
        do throws(ConfigurationProblem) {
            return parse(try ConfigurationDocument.parse(text, file: file), file: file, environment: environment)
        } catch {
            return (FileConfiguration(), [error])
        }
    }

    /// Reads a document of our own grammar, or of OrgLoop's.
    static func parse(
        _ document: Node?, file: String, environment: [String: String]
    ) -> (configuration: FileConfiguration, problems: [ConfigurationProblem]) {
        guard let document else { return (FileConfiguration(), []) }
        if OrgLoopProject.isRoot(document) {
            return OrgLoopProject.read(document, file: file, environment: environment)
        }
        var reader = ConfigurationReader(file: file, environment: environment)
        let configuration = read(document, with: &reader)
        return (configuration, reader.problems.sorted { $0.origin.precedes($1.origin) })
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
