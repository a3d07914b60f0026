import ArgumentParser
import EventQueue
import Foundation

/// The verbs about Claude Code's hooks.
struct HookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook",
        abstract: "Has Claude Code send its sessions here.",
        discussion: """
            EXAMPLE
              orgloop-queue hook install
              orgloop-queue hook status
            """,
        subcommands: [
            InstallCommand.self, UninstallCommand.self, StatusCommand.self, HookClaudeCodeCommand.self,
        ])
}

extension HookCommand {
    /// Adds the hook to a settings file.
    struct InstallCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install",
            abstract: "Adds the hook to Claude Code's settings.",
            discussion: """
                Everything else in the file stays byte for byte as it is, a backup is kept beside it, and \
                installing again with other options replaces what was installed. Claude Code takes a change up \
                by itself.

                SessionEnd fires once per session. Stop fires once per turn, so a session with ten answers sends \
                ten events. With --http Claude Code posts by itself: it needs no program, and what it cannot \
                deliver is lost, while the command keeps it in a spool.

                EXAMPLE
                  orgloop-queue hook install
                  orgloop-queue hook install --project --event SessionEnd --event StopFailure --dry-run
                  orgloop-queue hook install --http --secret-variable CLAUDE_CODE_WEBHOOK_SECRET
                """)

        @OptionGroup var options: HookOptions

        @Option(
            help: """
                When to send; repeatable: \(WordArgument.allowed(HookEvent.self)) (default: SessionEnd). Stop \
                fires once per turn.
                """, transform: { try WordArgument.parse($0) })
        var event: [HookEvent] = []

        @Option(help: "The source that receives it.")
        var source = "claude-code"

        @Flag(help: "Have Claude Code post by itself instead of running this program.")
        var http = false

        @Option(help: "Environment variable with the secret that --http presents as a bearer token.")
        var secretVariable: String?

        @Flag(help: "Show what would change and change nothing.")
        var dryRun = false

        @Flag(help: "Print one JSON object.")
        var json = false

        func validate() throws {
            _ = try CursorArguments.sourceID(source)
            guard let secretVariable else { return try validateHTTP() }
            guard http else { throw ValidationError("--secret-variable is for --http; the command signs by itself.") }
            guard secretVariable.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
                throw ValidationError("'\(secretVariable)' is not the name of an environment variable.")
            }
            try validateHTTP()
        }

        private func validateHTTP() throws {
            guard http, let refused = event.first(where: { !$0.takesHTTP }) else { return }
            throw ValidationError("Claude Code runs no http hooks on \(refused.rawValue); leave --http out.")
        }

        mutating func run() async throws {
            let environment = ProcessInfo.processInfo.environment
            let file = try SettingsFile(options.path(environment))
            let text = try file.text()
            let service = options.service(environment)
            let events = event.isEmpty ? [.sessionEnd] : event
            let recogniser = HookRecogniser(url: service.url)
            let entry = HookEntry(action: try action(service.url, environment))
            let changed: SettingsText
            do throws(SettingsText.Problem) {
                changed = try text.installing(entry, on: events, recogniser)
            } catch {
                throw file.failure(error)
            }
            var change = HookChange(.installed, file, from: text, to: changed, events: events.map(\.rawValue))
            change.notices =
                [service.notice].compactMap(\.self) + Set(events).compactMap(\.notice).sorted()
                + HookReport.doubles(changed, recogniser) + notices(entry)
                + (changed.disablesAllHooks ? ["`disableAllHooks` is true in \(file.path): no hook runs"] : [])
            try change.carryOut(dryRun ? .show : .write, as: json ? .json : .text)
        }

        private func action(_ url: String, _ environment: [String: String]) throws -> HookEntry.Action {
            guard !http else {
                guard !url.hasSuffix(":0") else {
                    throw CommandFailure(
                        message: "the service takes any free port, so it has no URL that stays",
                        mend: "Name one with --url, or a port with `listen` in the configuration.")
                }
                return .http(url: "\(url)/webhook/\(source)", secretVariable: secretVariable)
            }
            let program = try ThisProgram.path(CommandLine.arguments, environment)
            var words = [program, "hook", "claude-code"]
            if source != "claude-code" { words += ["--source", source] }
            for (flag, path) in [
                ("--config", options.configuration.config), ("--database", options.configuration.database),
            ] {
                if let path { words += [flag, ThisProgram.absolute(path) ?? path] }
            }
            if let url = options.url { words += ["--url", url] }
            return .command(words.map(shellWord).joined(separator: " "))
        }

        private func notices(_ entry: HookEntry) -> [String] {
            switch entry.action {
            case .command(let line): [ShellWords.split(line).first.flatMap(ThisProgram.notice)].compactMap(\.self)
            case .http: ["an http hook has no spool: what it cannot deliver is lost"]
            }
        }
    }

    /// Removes the hook from a settings file.
    struct UninstallCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "uninstall",
            abstract: "Removes the hook from Claude Code's settings.",
            discussion: """
                It removes what `hook install` adds and nothing else. An http hook is recognised by its URL, so \
                name a service that is elsewhere with --url.

                EXAMPLE
                  orgloop-queue hook uninstall
                  orgloop-queue hook uninstall --project --dry-run
                """)

        @OptionGroup var options: HookOptions

        @Flag(help: "Show what would change and change nothing.")
        var dryRun = false

        @Flag(help: "Print one JSON object.")
        var json = false

        mutating func run() async throws {
            let environment = ProcessInfo.processInfo.environment
            let file = try SettingsFile(options.path(environment))
            let text = try file.text()
            let recogniser = HookRecogniser(url: options.service(environment).url)
            let events = text.ours(recogniser).map(\.event)
            let changed: SettingsText
            do throws(SettingsText.Problem) {
                changed = try text.uninstalling(recogniser)
            } catch {
                throw file.failure(error)
            }
            let change = HookChange(.removed, file, from: text, to: changed, events: events)
            try change.carryOut(dryRun ? .show : .write, as: json ? .json : .text)
        }
    }

    /// Tells where the hook is installed.
    struct StatusCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Tells which events have the hook, and whether it can run.",
            discussion: """
                Looks at the settings of the user and of the project here. Exits 1 if no hook that can run is \
                among them.

                EXAMPLE
                  orgloop-queue hook status
                """)

        @OptionGroup var options: HookOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        mutating func run() async throws {
            let environment = ProcessInfo.processInfo.environment
            let recogniser = HookRecogniser(url: options.service(environment).url)
            let reports = places(environment).map { HookReport(place: $0, path: $1, recogniser) }
            let isInstalled = reports.contains(where: \.isWorking)
            if json {
                try StandardStream.output.write(
                    line: JSONOutput.object([
                        ("installed", isInstalled ? "true" : "false"),
                        ("files", JSONOutput.array(reports.map(\.json))),
                    ]))
            } else {
                try show(reports, colour: StandardStream.output.hasColour(environment))
            }
            guard isInstalled else { throw ExitCode(1) }
        }

        private func places(_ environment: [String: String]) -> [(String, String)] {
            if let file = options.settingsFile { return [("file", file)] }
            let places = options.chosen.isEmpty ? HookPlace.allCases : options.chosen
            return places.compactMap { place in
                place.path(home: environment["HOME"]).map { (place.rawValue, $0) }
            }
        }

        private func show(_ reports: [HookReport], colour: Bool) throws {
            var table = Table([("SETTINGS", .leading), ("FILE", .leading), ("EVENTS", .leading), ("RUNS", .leading)])
            for report in reports {
                let targets = report.hooks.reduce(into: [String]()) {
                    if !$0.contains($1.target) { $0.append($1.target) }
                }
                let events = report.hooks.map(\.event).joined(separator: " ")
                table.add([
                    .init(report.place), .init(report.path),
                    .init(events.isEmpty ? (report.isPresent ? "none" : "no such file") : events),
                    .init(targets.isEmpty ? "-" : targets.joined(separator: " ")),
                ])
            }
            for line in table.withoutEmptyColumns().lines(colour: colour) {
                try StandardStream.output.write(line: line)
            }
            for report in reports {
                for trouble in report.troubles { try StandardStream.output.write(line: "\(report.path): \(trouble)") }
            }
            if !reports.contains(where: \.isWorking) {
                StandardStream.error.say("no hook sends here; add it with: orgloop-queue hook install")
            }
        }
    }
}
