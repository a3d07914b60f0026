import ArgumentParser
import EventQueue

/// The verbs about the configuration.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Checks the configuration, and has the service read it again.",
        discussion: """
            EXAMPLE
              orgloop-queue config check config/orgloop-queue.yaml
              orgloop-queue config reload
            """,
        subcommands: [CheckCommand.self, ReloadCommand.self])

    /// Shows what would run, or everything that is wrong.
    struct CheckCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Shows what would run, or everything that is wrong with a configuration.",
            discussion: """
                Secrets are shown by their key id, never by their text. An OrgLoop project is read as serve reads \
                it: its orgloop.yaml, or one of its files with sources.

                EXAMPLE
                  orgloop-queue config check /etc/orgloop-queue.yaml
                  orgloop-queue config check orgloop.yaml
                """)

        @Argument(help: "Configuration file (default: as serve finds it).")
        var file: String?

        @OptionGroup var options: ConfigurationOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        mutating func run() async throws {
            if let file { options.config = file }
            do {
                let configuration = try options.load()
                let report = ConfigurationReport(configuration)
                try StandardStream.output.write(line: json ? report.json : report.text)
            } catch let failure as ConfigurationFailure {
                guard json else { throw failure }
                try StandardStream.output.write(line: ConfigurationReport.json(of: failure))
                throw ExitCode(1)
            }
        }
    }
}

/// A configuration as `config check` shows it.
struct ConfigurationReport {
    private let configuration: ServiceConfiguration

    init(_ configuration: ServiceConfiguration) { self.configuration = configuration }

    var text: String {
        var table = Table([
            ("SOURCE", .leading), ("CONNECTOR", .leading), ("FORMAT", .leading), ("SCHEME", .leading),
            ("KEYS", .leading), ("FROM", .leading),
        ])
        for source in configuration.sources {
            let keys = source.verification.keyIDs.joined(separator: " ")
            table.add([
                .init(source.id.rawValue), .init(source.connector.rawValue), .init(source.format),
                .init(source.verification.scheme), .init(keys.isEmpty ? "-" : keys),
                .init(source.origin.map { "\($0)" } ?? "-"),
            ])
        }
        let head = [
            "configuration  \(configuration.file ?? "none, the defaults")"
        ]
        let files = configuration.files.map { "with           \($0)" }
        let places = [
            "listen         \(configuration.listen)",
            "database       \(configuration.database)",
            "token file     \(configuration.tokenFile)",
        ]
        let consumers = configuration.consumers.map {
            "consumer       \($0.id), on_regressed \($0.onRegressed), in_doubt \($0.whenInDoubt)"
        }
        let retention = configuration.retention.isEmpty ? [] : ["retention      \(retentionText)"]
        let buffers = configuration.sources.compactMap { source in
            source.bufferDirectory.map { "buffer_dir     \($0), of \(source.id), imported once" }
        }
        let secretFiles = configuration.sources.compactMap { source in
            source.secretFile.map { "secret_file    \($0.path), of \(source.id)" }
        }
        let notices = configuration.notices.map { "note           \($0)" }
        let lines = head + files + places + consumers + retention + buffers + secretFiles + notices + [""]
        return (lines + table.lines(colour: false)).joined(separator: "\n")
    }

    private var retentionJSON: String {
        let retention = configuration.retention
        return JSONOutput.object([
            ("keep_ms", retention.keep.map { "\($0.milliseconds)" } ?? "null"),
            ("thin_ms", retention.thin.map { "\($0.milliseconds)" } ?? "null"),
            ("bytes_max", retention.bytesMax.map { "\($0)" } ?? "null"),
        ])
    }

    private var retentionText: String {
        let retention = configuration.retention
        return [
            retention.keep.map { "keep \(Quantities.spelled($0))" },
            retention.thin.map { "thin \(Quantities.spelled($0))" },
            retention.bytesMax.map { "bytes_max \($0)" },
        ].compactMap(\.self).joined(separator: ", ")
    }

    var json: String {
        let sources = configuration.sources.map { source in
            JSONOutput.object([
                ("id", JSONOutput.quoted(source.id.rawValue)),
                ("connector", JSONOutput.quoted(source.connector.rawValue)),
                ("format", JSONOutput.quoted(source.format)),
                ("scheme", JSONOutput.quoted(source.verification.scheme)),
                ("key_ids", JSONOutput.array(source.verification.keyIDs.map(JSONOutput.quoted))),
                ("secret_file", source.secretFile.map { JSONOutput.quoted($0.path) } ?? "null"),
                ("buffer_dir", source.bufferDirectory.map(JSONOutput.quoted) ?? "null"),
                ("from", source.origin.map { JSONOutput.quoted("\($0)") } ?? "null"),
            ])
        }
        let consumers = configuration.consumers.map { consumer in
            JSONOutput.object([
                ("id", JSONOutput.quoted(consumer.id.rawValue)),
                ("on_regressed", JSONOutput.quoted(consumer.onRegressed.rawValue)),
                ("in_doubt", JSONOutput.quoted(consumer.whenInDoubt.rawValue)),
            ])
        }
        return JSONOutput.object([
            ("ok", "true"),
            ("file", configuration.file.map(JSONOutput.quoted) ?? "null"),
            ("files", JSONOutput.array(configuration.files.map(JSONOutput.quoted))),
            ("listen", JSONOutput.quoted("\(configuration.listen)")),
            ("database", JSONOutput.quoted(configuration.database)),
            ("token_file", JSONOutput.quoted(configuration.tokenFile)),
            ("sources", JSONOutput.array(sources)),
            ("consumers", JSONOutput.array(consumers)),
            ("retention", retentionJSON),
            ("notices", JSONOutput.array(configuration.notices.map(JSONOutput.quoted))),
        ])
    }

    static func json(of failure: ConfigurationFailure) -> String {
        let problems = failure.problems.map { problem -> String in
            var members: [(String, String)] = []
            switch problem.origin {
            case .file(let file, let line, let column):
                members = [("file", JSONOutput.quoted(file)), ("line", "\(line)"), ("column", "\(column)")]
            case .name(let name): members = [("name", JSONOutput.quoted(name))]
            }
            members += [
                ("key", JSONOutput.quoted(problem.key)), ("problem", JSONOutput.quoted(problem.problem)),
                ("allowed", JSONOutput.quoted(problem.allowed)),
            ]
            return JSONOutput.object(members)
        }
        return JSONOutput.object([("ok", "false"), ("problems", JSONOutput.array(problems))])
    }
}
