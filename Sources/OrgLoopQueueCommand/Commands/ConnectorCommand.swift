import ArgumentParser
import EventQueue
import OrgLoopConnector

/// The verbs about the OrgLoop connector.
struct ConnectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Lets an OrgLoop project read from the queue.",
        discussion: """
            EXAMPLE
              orgloop-queue connector install ~/my-project --edit
            """,
        subcommands: [InstallCommand.self])

    /// Writes the module into a project and says, or does, what its YAML needs.
    struct InstallCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install",
            abstract: "Puts the connector into an OrgLoop project.",
            discussion: """
                Writes orgloop-queue.mjs, which is both the source that reads from the queue and the logger that \
                reports what became of each event, and prints the YAML that names it. With --edit it changes the \
                YAML itself: sources of the connectors that the queue can receive read from the queue and keep \
                the rest of their block; comments and order stay. It shows the difference, parses the result, \
                and writes nothing unless that says exactly what was meant. Installing again changes nothing.

                A file orgloop-queue.mjs that is no older version of ours is written over with --force only.

                EXAMPLE
                  orgloop-queue connector install
                  orgloop-queue connector install ~/my-project --dry-run
                  orgloop-queue connector install ~/my-project --edit --source claude-code
                """)

        @Argument(help: "Directory with the project's orgloop.yaml.")
        var project = "."

        @Flag(help: "Change the project's YAML, after showing the difference.")
        var edit = false

        @Flag(help: "Show what --edit would change, and write nothing.")
        var dryRun = false

        @Option(help: "Change this source only; may be repeated (default: all that the queue can receive).")
        var source: [String] = []

        @Option(help: "URL of the service, as the project's machine reaches it.")
        var url = "http://127.0.0.1:4810"

        @Flag(help: "Write over a file orgloop-queue.mjs that was changed, is newer, or is another file.")
        var force = false

        @Flag(help: "Print one JSON object.")
        var json = false

        func validate() throws {
            let isURL = url.hasPrefix("http://") || url.hasPrefix("https://")
            let isPlain = url.utf8.allSatisfy { byte in
                (0x21..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            }
            guard isURL, isPlain else { throw ValidationError("'\(url)' is not a URL like http://127.0.0.1:4810.") }
        }

        mutating func run() async throws {
            while project.count > 1, project.hasSuffix("/") { project.removeLast() }
            let module = try ModuleFile(in: project, isForced: force)
            let plan = try ProjectPlan(ProjectFiles(project), url: url, sources: source)
            let writesYAML = edit && !dryRun && plan.obstacles.isEmpty
            if !dryRun { try module.install() }
            let report = ConnectorReport(module: module, plan: plan, project: project, mode: mode, url: url)
            // The difference is shown before anything of it is written, and what was done once it is done.
            if !json { for line in report.difference { try StandardStream.output.write(line: line) } }
            if writesYAML { try Self.write(plan.changes) }
            try StandardStream.output.write(line: json ? report.json : report.text)
            guard mode == .show || plan.obstacles.isEmpty else {
                throw CommandFailure(
                    message: "nothing of the YAML was changed, because some of it has to be changed by hand",
                    mend: "Change what is shown above, then run this again: it tells what is left.")
            }
        }

        /// Writes every file, or puts those back that were written when one cannot be.
        private static func write(_ changes: [ProjectPlan.FileChange]) throws {
            var written: [ProjectPlan.FileChange] = []
            do {
                for change in changes {
                    try ProjectFile.write(change.path, Array(change.new.utf8))
                    written.append(change)
                }
            } catch {
                for change in written.reversed() { change.undo() }
                throw error
            }
        }

        private var mode: ConnectorReport.Mode {
            if dryRun { return .forecast }
            return edit ? .edit : .show
        }
    }
}
