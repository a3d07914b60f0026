import ArgumentParser
import EventQueueSQLite

/// Copies the database while the service writes it.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the database into one file, while the service runs.",
        discussion: """
            The backup shows one moment: every event answered before it began is in it. It is verified and synced \
            before it takes the name FILE, so FILE is a whole backup or what it was before, also after a kill. An \
            older backup is replaced; another file only with --force. A database with damaged envelopes is \
            backed up with --force only, so that it does not replace a backup that has them whole.

            To restore: stop the service, move the database with its -wal and -shm aside, put the backup in its \
            place, start the service. Engines that have read beyond the backup then present checkpoints that are \
            refused (409) until you let them go on: orgloop-queue resume SOURCE --reason R.

            EXAMPLE
              orgloop-queue backup /backups/queue-monday.db
            """)

    @Argument(help: "Where the backup goes; best on another disk.")
    var file: String

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Write over a file that is no backup; keep a copy with damaged envelopes.")
    var force = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard !file.isEmpty, !file.hasSuffix("/") else { throw ValidationError("FILE is the name of a file.") }
    }

    mutating func run() async throws {
        let database = try options.loadPlaces().database
        let order = Backup.Order(database: database, target: file, isForced: force)
        let interruption = Interruption()
        let signals = InterruptingSignals(interruption)
        defer { signals.cancel() }
        let receipt = try AuditVerb.run {
            var progress = Progress("copying")
            defer { progress.end() }
            return try Backup(order, interruption: interruption).run { progress.show($0) }
        }
        guard !json else {
            return try StandardStream.output.write(
                line: JSONOutput.object([
                    ("file", JSONOutput.quoted(file)), ("database", JSONOutput.quoted(database)),
                    ("events", "\(receipt.events)"), ("bytes", "\(receipt.bytes)"),
                    ("damaged", "\(receipt.damaged)"),
                ]))
        }
        let damage = receipt.damaged > 0 ? ", \(receipt.damaged) of them damaged" : ""
        try StandardStream.output.write(
            line: "\(file): \(counted(receipt.events, "event"))\(damage), \(StatusReport.size(receipt.bytes)), verified"
        )
    }
}
