package import EventQueue
import GRDB

/// The audit of a whole database: what SQLite, the hashes, the signatures and the invariants say about it.
///
/// It reads one snapshot through a connection that cannot write, so all its numbers agree, and it neither
/// waits for the service nor stops it.
package struct Verify {
    /// The database file.
    let path: String
    /// With whose secrets signatures are verified again.
    let verifiers: [String: Verifier]

    package init(path: String, sources: [Source]) {
        self.path = path
        verifiers = Dictionary(sources.map { ($0.id.rawValue, $0.verifier) }) { first, _ in first }
    }

    /// Asks every question, also after one had a bad answer.
    ///
    /// - Throws: ``StartRefusal`` when there is no file to look at.
    package func run(_ progress: AuditProgress.Observer) throws -> AuditReport {
        try AuditedFile.requireFile(path)
        var report = AuditReport(database: path)
        let opened: AuditedFile
        do {
            opened = try AuditedFile.open(path)
        } catch let refusal as StartRefusal {
            report.add(Self.refused(refusal))
            Self.skipRest(of: &report, "the file cannot be read")
            return report
        }
        defer { opened.close() }
        if opened.isImmutable {
            report.note(
                "The directory cannot be written to and there is no WAL: the file was read as one that nobody changes.")
        }
        try opened.snapshot { try ask($0, opened.file, &report, progress) }
        return report
    }

    private func ask(
        _ database: Database, _ file: DatabaseFile, _ report: inout AuditReport,
        _ progress: AuditProgress.Observer
    ) throws {
        progress(AuditProgress("checking the schema"))
        let schema = SchemaCheck.run(database, file)
        report.add(schema.check)
        guard schema.isOurs else {
            return Self.skipRest(of: &report, "this is no database that this version knows")
        }
        progress(AuditProgress("checking the integrity"))
        report.add(Self.answer(.integrity) { try Self.integrity(database, file) })
        var scan = ContentScan(verifiers: verifiers)
        scan.run(database, progress)
        report.add(scan.envelopesCheck)
        report.add(scan.signaturesCheck)
        takeKeys(of: scan, database, &report)
        for (name, stage, question) in Self.questions {
            progress(AuditProgress(stage))
            report.add(Self.answer(name) { try question(database) })
        }
    }

    private func takeKeys(of scan: ContentScan, _ database: Database, _ report: inout AuditReport) {
        // A record that cannot be read is told by the checks of schema and integrity.
        let history = (try? SQLiteEventStore.secretHistory(in: database)) ?? []
        report.add(scan.keys.keys(verifiers, history))
        guard scan.keys.leftOut > 0 else { return }
        report.note(
            "There are more than \(KeyTally.keysMax) keys; those of \(scan.keys.leftOut) events are not listed.")
    }

    private static let questions: [(AuditCheck.Name, String, @Sendable (Database) throws -> AuditCheck)] = [
        (.sequence, "counting the events", SequenceCheck.run),
        (.emissions, "counting the emissions", EmissionsCheck.run),
        (.states, "counting the states", StatesCheck.run),
        (.replays, "checking the replays", ReplaysCheck.run),
        (.quarantine, "hashing the quarantine", QuarantineCheck.run),
    ]

    private static func integrity(_ database: Database, _ file: DatabaseFile) throws -> AuditCheck {
        var findings = Findings()
        let reports = try String.fetchAll(database, sql: "PRAGMA integrity_check(\(Findings.examplesMax))")
        for text in reports where text != "ok" { findings.add(text) }
        let orphans = try Row.fetchCursor(database, sql: "PRAGMA foreign_key_check")
        while let row = try orphans.next() {
            // Tables without a rowid have no number to name the row by.
            let place = row.integer(1).map { " \($0)" } ?? ""
            findings.add(
                "\(row.text(0) ?? "a table")\(place) names a row of \(row.text(2) ?? "another") that is not there")
        }
        let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        return AuditCheck(
            .integrity, [("pages", pages)], findings, mend: Inspection.damageRefusal(file.path, "").mend)
    }

    /// The answer of `question`; a file that is too damaged to be asked is a bad answer, not a crash.
    private static func answer(_ name: AuditCheck.Name, _ question: () throws -> AuditCheck) -> AuditCheck {
        do {
            return try question()
        } catch {
            var findings = Findings()
            findings.add(words(error))
            return AuditCheck(
                name, [], findings, mend: "The question could not be asked: look at schema and integrity first.")
        }
    }

    /// What SQLite said, without the statement it was about.
    static func words(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        return error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    }

    private static func refused(_ refusal: StartRefusal) -> AuditCheck {
        var findings = Findings()
        findings.add(refusal.message)
        return AuditCheck(.schema, [], findings, mend: refusal.mend)
    }

    private static func skipRest(of report: inout AuditReport, _ reason: String) {
        for name in AuditCheck.Name.allCases.dropFirst(report.checks.count) {
            report.add(AuditCheck(skipping: name, reason))
        }
    }
}

/// Is it our database, with the schema that its migrations made?
enum SchemaCheck {
    /// - Returns: The answer, and whether the tables are worth asking further.
    static func run(_ database: Database, _ file: DatabaseFile) -> (check: AuditCheck, isOurs: Bool) {
        var findings = Findings()
        do {
            let version = try Inspection.recognise(database, file)
            guard version > 0 else {
                findings.add("the database holds nothing yet")
                let mend = "Start the service once; it makes the tables."
                return (AuditCheck(.schema, [], findings, mend: mend), false)
            }
            let figures = [("version", version), ("newest", Schema.newest)]
            return (AuditCheck(.schema, figures, findings, mend: ""), true)
        } catch {
            let refusal = error as? StartRefusal
            findings.add(refusal?.message ?? Verify.words(error))
            let mend = refusal?.mend ?? Inspection.damageRefusal(file.path, "").mend
            return (AuditCheck(.schema, [], findings, mend: mend), isKnown(database))
        }
    }

    /// A schema that was changed by hand can still be asked about its events; a foreign or newer one cannot.
    private static func isKnown(_ database: Database) -> Bool {
        guard let application = try? Int32.fetchOne(database, sql: "PRAGMA application_id"),
            let version = try? Schema.version(database)
        else { return false }
        return application == Connections.applicationID && (1...Schema.newest).contains(version)
    }
}
