import ArgumentParser
import Foundation

/// The verbs about the service of the operating system.
struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Has systemd or launchd run it for years.",
        discussion: """
            EXAMPLE
              orgloop-queue service install
              orgloop-queue service status
            """,
        subcommands: [InstallCommand.self, UninstallCommand.self, StatusCommand.self])

    /// For whom the service is installed.
    struct ScopeOptions: ParsableArguments {
        @Flag(help: "The service of the machine (default for root).")
        var system = false

        @Flag(help: "The service of this user (default for everybody else).")
        var user = false

        func validate() throws {
            if system, user { throw ValidationError("Name one of --system and --user.") }
        }

        /// What was named; `nil` when nothing was.
        var named: ServiceScope? { system ? .system : user ? .user : nil }

        /// The manager of what was named, or of what suits whoever runs this.
        var manager: ServiceManager {
            let scope = named ?? (geteuid() == 0 ? .system : .user)
            return ServiceManager(kind: .here, scope: scope, environment: ProcessInfo.processInfo.environment)
        }
    }
}

extension ServiceCommand {
    /// Writes the service file and starts the service.
    struct InstallCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install",
            abstract: "Writes the service file and starts the service, now and at boot.",
            discussion: """
                The file gets the real paths of this program, of the configuration and of the database. The \
                configuration is checked first. Installing again updates the file and restarts the service if \
                the file changed. Secrets go into a file that only the service reads: \
                ~/.config/orgloop-queue/environment, or /etc/orgloop-queue/environment with --system.

                EXAMPLE
                  orgloop-queue service install
                  sudo orgloop-queue service install --system --config /etc/orgloop-queue.yaml
                  orgloop-queue service install --user --dry-run
                """)

        @OptionGroup var scope: ScopeOptions

        @OptionGroup var options: ConfigurationOptions

        @Option(help: "Where to listen, HOST:PORT (default: as configured).")
        var listen: String?

        @Option(help: "User of the system's service (default: orgloop-queue).")
        var runAs: String?

        @Flag(help: "Write the file and start nothing.")
        var noStart = false

        @Flag(help: "Replace a file that is not ours.")
        var force = false

        @Flag(help: "Show the file and change nothing.")
        var dryRun = false

        @Flag(help: "Print one JSON object.")
        var json = false

        func validate() throws {
            if let listen, ListenAddress(listen) == nil { throw ValidationError("--listen: \(ListenAddress.allowed).") }
            if runAs?.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]*/) == nil, runAs != nil {
                throw ValidationError("--run-as is the name of a user.")
            }
            if runAs != nil, scope.user { throw ValidationError("--run-as is for --system.") }
        }

        mutating func run() async throws {
            let manager = scope.manager
            let planner = ServicePlanner(manager: manager, options: options, listen: listen, account: runAs)
            let (plan, notices) = try planner.plan()
            let text = try manager.text(plan)
            guard !dryRun else { return try show(text, manager, notices) }
            try planner.prepare(plan)
            let installer = ServiceInstaller(manager: manager)
            let change = try installer.write(text, isForced: force)
            let start: ServiceInstaller.Start
            if noStart {
                start = .left(manager.startCommands(try manager.path(), isUpdate: false))
            } else {
                var progress = Progress("starting")
                defer { progress.end() }
                progress.show(0)
                start = try installer.start(after: change)
            }
            try report(change, start, manager, notices)
        }

        private func show(_ text: String, _ manager: ServiceManager, _ notices: [String]) throws {
            guard !json else {
                return try StandardStream.output.write(
                    line: JSONOutput.object([
                        ("file", JSONOutput.quoted(try manager.path())), ("change", "null"),
                        ("content", JSONOutput.quoted(text)),
                        ("notices", JSONOutput.array(notices.map(JSONOutput.quoted))),
                    ]))
            }
            // Only the file on standard output, so that it can be kept.
            try StandardStream.output.write(Array(text.utf8))
            StandardStream.error.say("would be written to \(try manager.path())")
            for notice in notices { StandardStream.error.say("note: \(notice)") }
        }

        private func report(
            _ change: ServiceInstaller.FileChange, _ start: ServiceInstaller.Start, _ manager: ServiceManager,
            _ notices: [String]
        ) throws {
            let path = try manager.path()
            var left: [String] = []
            if case .left(let commands) = start { left = commands.map { $0.joined(separator: " ") } }
            guard !json else {
                return try StandardStream.output.write(
                    line: JSONOutput.object([
                        ("file", JSONOutput.quoted(path)), ("change", JSONOutput.quoted(change.rawValue)),
                        ("running", start == .running ? "true" : "false"),
                        ("to_run", JSONOutput.array(left.map(JSONOutput.quoted))),
                        ("notices", JSONOutput.array(notices.map(JSONOutput.quoted))),
                    ]))
            }
            try StandardStream.output.write(line: "\(path): \(change.rawValue)")
            if left.isEmpty {
                try StandardStream.output.write(
                    line: "it runs, now and after every boot; its log: \(manager.logCommand)")
            } else {
                let reason = noStart ? "to start it" : "\(manager.kind.rawValue) does not answer here; to start it"
                try StandardStream.output.write(line: "\(reason), run:")
                for command in left { try StandardStream.output.write(line: "  \(command)") }
            }
            for notice in notices { try StandardStream.output.write(line: "note: \(notice)") }
        }
    }

    /// Stops the service and removes its file.
    struct UninstallCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "uninstall",
            abstract: "Stops the service and removes its file, never the database.",
            discussion: """
                EXAMPLE
                  orgloop-queue service uninstall
                """)

        @OptionGroup var scope: ScopeOptions

        @Flag(help: "Remove a file that is not ours.")
        var force = false

        @Flag(help: "Print one JSON object.")
        var json = false

        mutating func run() async throws {
            let manager = scope.manager
            let path = try manager.path()
            var progress = Progress("stopping")
            progress.show(0)
            let removal = try ServiceInstaller(manager: manager).remove(isForced: force)
            progress.end()
            let left = removal.left.map { $0.joined(separator: " ") }
            guard !json else {
                return try StandardStream.output.write(
                    line: JSONOutput.object([
                        ("file", JSONOutput.quoted(path)), ("change", JSONOutput.quoted(removal.change.rawValue)),
                        ("to_run", JSONOutput.array(left.map(JSONOutput.quoted))),
                    ]))
            }
            try StandardStream.output.write(line: "\(path): \(removal.change.rawValue)")
            guard !left.isEmpty else { return }
            try StandardStream.output.write(line: "\(manager.kind.rawValue) does not answer here; to stop it, run:")
            for command in left { try StandardStream.output.write(line: "  \(command)") }
        }
    }

    /// Tells whether the service is installed and runs.
    struct StatusCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Tells whether the service is installed, enabled and active.",
            discussion: """
                Without --system and --user it looks at both. Exits 1 if none is active. How the queue itself is \
                doing tells `orgloop-queue status`.

                EXAMPLE
                  orgloop-queue service status
                """)

        @OptionGroup var scope: ScopeOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        private struct Row {
            let scope: ServiceScope
            let path: String
            let isInstalled: Bool
            let standing: ServiceManager.Standing
        }

        mutating func run() async throws {
            let environment = ProcessInfo.processInfo.environment
            let scopes = scope.named.map { [$0] } ?? ServiceScope.allCases
            let rows = try scopes.map { scope in
                let manager = ServiceManager(kind: .here, scope: scope, environment: environment)
                return Row(
                    scope: scope, path: try manager.path(),
                    isInstalled: try ServiceInstaller(manager: manager).isInstalled(), standing: manager.standing())
            }
            let isRunning = rows.contains(where: \.standing.isActive)
            if json {
                try StandardStream.output.write(
                    line: JSONOutput.object([
                        ("running", isRunning ? "true" : "false"),
                        ("services", JSONOutput.array(rows.map(Self.json))),
                    ]))
            } else {
                try show(rows, colour: StandardStream.output.hasColour(environment))
            }
            guard isRunning else { throw ExitCode(1) }
        }

        private func show(_ rows: [Row], colour: Bool) throws {
            var table = Table([
                ("SERVICE", .leading), ("INSTALLED", .leading), ("AT BOOT", .leading), ("STATE", .leading),
                ("FILE", .leading),
            ])
            for row in rows {
                let standing = row.standing
                table.add([
                    .init(row.scope.rawValue), .init(row.isInstalled ? "yes" : "no"),
                    .init(standing.isReachable ? (standing.isEnabled ? "yes" : "no") : "unknown"),
                    .init(standing.word, standing.isActive ? .good : .plain), .init(row.path),
                ])
            }
            for line in table.lines(colour: colour) { try StandardStream.output.write(line: line) }
            if rows.contains(where: { !$0.standing.isReachable }) {
                let name = ServiceManager.Kind.here.rawValue
                StandardStream.error.say(
                    "unknown: \(name) does not answer here for it; orgloop-queue doctor looks itself")
            }
            if !rows.contains(where: \.isInstalled) {
                StandardStream.error.say("not installed; orgloop-queue service install does it")
            }
        }

        private static func json(_ row: Row) -> String {
            let standing = row.standing
            return JSONOutput.object([
                ("scope", JSONOutput.quoted(row.scope.rawValue)), ("file", JSONOutput.quoted(row.path)),
                ("installed", row.isInstalled ? "true" : "false"),
                ("enabled", standing.isReachable ? (standing.isEnabled ? "true" : "false") : "null"),
                ("active", standing.isReachable ? (standing.isActive ? "true" : "false") : "null"),
                ("state", JSONOutput.quoted(standing.word)),
            ])
        }
    }
}
