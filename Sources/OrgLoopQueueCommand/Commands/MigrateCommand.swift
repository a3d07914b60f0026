import ArgumentParser
import EventQueueSQLite

/// Brings the schema of a database up to date while the service is stopped.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings a database up to date, with the service stopped.",
        discussion: """
            serve does this by itself at its start, also for a database of an older version. The other verbs \
            refuse such a database while the service is stopped. --dry-run shows what would be applied and \
            changes nothing.

            EXAMPLE
              orgloop-queue migrate --database /var/lib/orgloop-queue/queue.db --dry-run
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Show what would be applied and change nothing.")
    var dryRun = false

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() async throws {
        let path = try options.loadPlaces().database
        do {
            let plan = try SQLiteEventStore.migrationPlan(path: path)
            if !dryRun { try PrivateFile.makeDirectory(ConfigurationLoader.directory(of: path)) }
            let applied = dryRun ? [] : try SQLiteEventStore.migrate(path: path)
            try show(before: plan.applied, pending: plan.pending, applied: applied, path: path)
        } catch let refusal as StartRefusal {
            throw CommandFailure(refusal)
        } catch let failure as PrivateFile.Failure {
            throw CommandFailure(message: failure.message, mend: "Name another place with --database.")
        }
    }

    private func show(before: [String], pending: [String], applied: [String], path: String) throws {
        guard !json else {
            return try StandardStream.output.write(
                line: JSONOutput.object([
                    ("database", JSONOutput.quoted(path)), ("dry_run", dryRun ? "true" : "false"),
                    ("before", JSONOutput.array(before.map(JSONOutput.quoted))),
                    ("pending", JSONOutput.array(pending.map(JSONOutput.quoted))),
                    ("applied", JSONOutput.array(applied.map(JSONOutput.quoted))),
                ]))
        }
        for name in dryRun ? pending : applied {
            try StandardStream.output.write(line: dryRun ? "would apply \(name)" : "applied \(name)")
        }
        if (dryRun ? pending : applied).isEmpty {
            try StandardStream.output.write(line: "\(path) is up to date")
        }
    }
}
