/// What `verify` found out about a database.
package struct AuditReport: Sendable, Equatable {
    package let database: String
    package private(set) var checks: [AuditCheck] = []
    /// The keys that stored requests were signed with, by source.
    package private(set) var keys: [SigningKey] = []
    /// What a reader should know about how the file was read.
    package private(set) var notes: [String] = []

    init(database: String) { self.database = database }

    /// Whether no check failed.
    package var isSound: Bool { !checks.contains { $0.verdict == .failed } }

    mutating func add(_ check: AuditCheck) { checks.append(check) }
    mutating func add(_ keys: [SigningKey]) { self.keys += keys }
    mutating func note(_ text: String) { notes.append(text) }
}

/// One question that an audit asks a database, and the answer.
package struct AuditCheck: Sendable, Equatable {
    package enum Verdict: String, Sendable { case ok, failed, skipped }

    /// A number that belongs to the answer, named in snake case.
    package struct Figure: Sendable, Equatable {
        package let name: String
        package let value: Int
    }

    package let name: Name
    package let verdict: Verdict
    package let figures: [Figure]
    /// How many things are wrong.
    package let failures: Int
    /// The first of them, at most ``Findings/examplesMax``; for a skipped check the reason.
    package let examples: [String]
    /// What to do about it; `nil` when nothing is wrong.
    package let mend: String?

    /// The questions, in the order in which they are asked.
    package enum Name: String, Sendable, CaseIterable {
        /// Is it our database, with the schema that its migrations made?
        case schema
        /// Is the file sound as SQLite sees it?
        case integrity
        /// Do envelopes and bodies have their hashes, and do they belong to their rows?
        case envelopes
        /// Do the kept bodies have the signatures that they came with?
        case signatures
        /// Do the sums agree with the events that are there, and can no sequence be used twice?
        case sequence
        /// Was every event handed over once, but for replays (I4)?
        case emissions
        /// Is every event in exactly one state for every consumer, and are the states counted right (I7)?
        case states
        /// Does every replay say who, why and when, and was it carried out as recorded (I9)?
        case replays
        /// Are the requests in quarantine as they came?
        case quarantine
    }

    /// An answered question: it failed if anything was found.
    init(_ name: Name, _ figures: [(String, Int)], _ findings: Findings, mend: String) {
        self.name = name
        verdict = findings.count == 0 ? .ok : .failed
        self.figures = figures.map { Figure(name: $0.0, value: $0.1) }
        failures = findings.count
        examples = findings.examples
        self.mend = findings.count == 0 ? nil : mend
    }

    /// A question that could not be asked.
    init(skipping name: Name, _ reason: String) {
        self.name = name
        verdict = .skipped
        figures = []
        failures = 0
        examples = [reason]
        mend = nil
    }
}

/// Things that are wrong: all of them counted, the first of them named.
struct Findings: Equatable {
    /// A damaged file may have millions; ten tell what kind of damage it is.
    static let examplesMax = 10

    private(set) var count = 0
    private(set) var examples: [String] = []

    mutating func add(_ example: @autoclosure () -> String) {
        count += 1
        if examples.count < Self.examplesMax { examples.append(example()) }
    }

    mutating func add(_ others: Findings) {
        count += others.count
        examples += others.examples.prefix(Self.examplesMax - examples.count)
    }
}

/// How far an audit, a backup or an export is.
package struct AuditProgress: Sendable, Equatable {
    package enum Unit: Sendable { case count, bytes }

    /// What is being done, as a participle: `copying`.
    package let stage: String
    package let done: Int
    /// Zero while nobody knows.
    package let total: Int
    package let unit: Unit

    init(_ stage: String, done: Int = 0, total: Int = 0, unit: Unit = .count) {
        self.stage = stage
        self.done = done
        self.total = total
        self.unit = unit
    }

    /// Called often; whoever draws it decides how often that is.
    package typealias Observer = (AuditProgress) -> Void
}

/// Why a file was not read or written. What was there before is as it was.
package struct AuditRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in one sentence that names the file.
    package let message: String
    /// What the operator can do.
    package let mend: String

    init(_ message: String, mend: String) {
        self.message = message
        self.mend = mend
    }

    package var description: String { "\(message) \(mend)" }
}
