import ArgumentParser
import EventQueue

/// Brings events of other places into the queue.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Stores the events of an export, or of OrgLoop's own buffer, in the queue.",
        discussion: """
            Reads JSON lines: what orgloop-queue export wrote, or the *.jsonl files of an OrgLoop buffer_dir \
            (of 0.1.9 and of current versions). A directory stands for every *.jsonl in it, - for standard \
            input. The files are only read.

            An event that is there already is not stored again, so an import that was interrupted is started \
            again. Where its content is damaged, as verify finds out, the right bytes are put back. A line that is no event is reported with its file, its line and a code, and the others go on.

            A database that is named with --database is begun if there is none.

            It moves events, not the positions of readers: what it stores is pending for every consumer. To \
            move a queue together with its consumers, use backup.

            EXAMPLE
              orgloop-queue import /tmp/orgloop-claude-code
              orgloop-queue import queue.jsonl --json
              orgloop-queue export --database old.db | orgloop-queue import -
            """)

    @Argument(help: ArgumentHelp("Files, directories with *.jsonl, or - for standard input.", valueName: "file"))
    var files: [String]

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object with the counts of each file.")
    var json = false

    func validate() throws {
        if files.count(where: { $0 == "-" }) > 1 { throw ValidationError("Standard input can be read once.") }
    }

    mutating func run() async throws {
        try await options.withService(makingDatabase: true) { try await run($0, $1) }
    }

    private func run(_ service: ServiceConnection, _ configuration: ServiceConfiguration) async throws {
        let inputs = try files.flatMap(ImportInput.named)
        var progress = Progress("importing", total: ImportInput.totalBytes(of: inputs) ?? 0, unit: .bytes)
        var reports: [ImportReport] = []
        for input in inputs {
            let importer = FileImport(
                input: input, service: service, lineBytesMax: configuration.limits.importBytesMax)
            reports.append(try await importer.run(&progress))
        }
        progress.end()
        try show(reports)
        let failed = reports.contains { $0.failure != nil }
        let total = ImportReport.total(of: reports)
        if failed || (total.rejected > 0 && total.imported + total.present + total.restored == 0) { throw ExitCode(1) }
    }

    private func show(_ reports: [ImportReport]) throws {
        let total = ImportReport.total(of: reports)
        guard !json else {
            let members = [("files", JSONOutput.array(reports.map { JSONOutput.object($0.members) }))]
            return try StandardStream.output.write(
                line: JSONOutput.object(members + total.counts.map { ($0.0, "\($0.1)") }))
        }
        if reports.count > 1 {
            for report in reports where report.failure == nil {
                try StandardStream.output.write(line: "\(report.name): \(report.summary)")
            }
        }
        try StandardStream.output.write(line: total.summary)
    }
}

/// What became of the lines of a file.
struct ImportReport {
    let name: String
    var lines = 0
    var imported = 0
    var present = 0
    var restored = 0
    var thinned = 0
    var rejected = 0
    /// Why the file could not be read to its end.
    var failure: String?

    init(name: String) { self.name = name }

    static func total(of reports: [ImportReport]) -> ImportReport {
        reports.reduce(into: ImportReport(name: "total")) { total, report in
            total.lines += report.lines
            total.imported += report.imported
            total.present += report.present
            total.restored += report.restored
            total.thinned += report.thinned
            total.rejected += report.rejected
        }
    }

    var counts: [(String, Int)] {
        [
            ("lines", lines), ("imported", imported), ("present", present), ("restored", restored),
            ("thinned", thinned), ("rejected", rejected),
        ]
    }

    /// The members of its JSON object.
    var members: [(String, String)] {
        [("file", JSONOutput.quoted(name))] + counts.map { ($0.0, "\($0.1)") }
            + [("failure", failure.map(JSONOutput.quoted) ?? "null")]
    }

    /// The counts in words.
    var summary: String {
        if lines == 0 { return "nothing to import" }
        var parts = ["\(counted(imported, "event")) imported"]
        if restored > 0 { parts.append("the content of \(restored) damaged put back") }
        if present > 0 { parts.append("\(present) already there") }
        if thinned > 0 { parts.append("\(thinned) of the imported without content") }
        if rejected > 0 { parts.append("\(rejected) rejected (warning)") }
        return parts.joined(separator: ", ")
    }
}
