import Foundation
import Synchronization
import Testing

/// What the torture found, one row for each kind of fault; printed when all of it is over.
enum TortureTable {
    /// How a fault got into the service.
    enum Kind: String, Sendable {
        case kill, error, power, file, control
    }

    struct Row: Sendable {
        let kind: Kind
        let fault: String
        let tries: Int
        let lost: Int
        let duplicated: Int
        let verdict: String
    }

    private static let rows = Mutex<[Row]>([])

    /// Adds the row of a fault, and fails the running test when the service did not keep a promise under it.
    static func add(_ kind: Kind, _ fault: String, _ judgements: [Judgement]) {
        let faults = judgements.flatMap(\.faults)
        append(kind, fault, judgements, verdict: faults.isEmpty ? "passed" : "FAILED")
        // One is enough to start with; a broken rule breaks at every point.
        for fault in faults.prefix(5) { Issue.record("\(fault)") }
        if faults.count > 5 { Issue.record("\(fault): and \(faults.count - 5) more") }
        if judgements.isEmpty { Issue.record("\(fault): it never struck") }
    }

    /// Adds the row of a broken service, and fails the running test when the checker did not notice.
    static func addControl(_ fault: String, _ judgements: [Judgement]) {
        let found = judgements.count { !$0.faults.isEmpty }
        let verdict = found > 0 ? "found, \(found) times" : "MISSED"
        append(.control, fault, judgements, verdict: verdict)
        if found == 0 { Issue.record("\(fault): the checker called a broken service whole") }
    }

    private static func append(_ kind: Kind, _ fault: String, _ judgements: [Judgement], verdict: String) {
        let row = Row(
            kind: kind, fault: fault, tries: judgements.count, lost: judgements.reduce(0) { $0 + $1.lost.count },
            duplicated: judgements.reduce(0) { $0 + $1.duplicated }, verdict: verdict)
        rows.withLock { $0.append(row) }
    }

    static func tries(of kind: Kind) -> Int {
        rows.withLock { $0.filter { $0.kind == kind }.reduce(0) { $0 + $1.tries } }
    }

    static var text: String {
        let cells =
            [["fault", "tries", "lost", "duplicated", "verdict"]]
            + rows.withLock { $0 }.map {
                ["\($0.kind): \($0.fault)", "\($0.tries)", "\($0.lost)", "\($0.duplicated)", $0.verdict]
            }
        let widths = (0..<5).map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return (1...3).contains(column) ? space + cell.0 : cell.0 + space
            }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
        return lines.joined(separator: "\n")
    }
}

/// Prints the table when the suite is over, and sees to it that a whole run was one.
struct Tabulated: SuiteTrait, TestScoping {
    /// What a whole run has to try at least, so that a sweep that stops early is noticed.
    private static let killsMin = 500
    private static let errorsMin = 200

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        print("torture, ORGLOOP_QUEUE_TORTURE_SEED=\(TortureSettings.seed)")
        try await function()
        let (kills, errors) = (TortureTable.tries(of: .kill), TortureTable.tries(of: .error))
        print(
            """
            \(TortureTable.text)
            seed \(TortureSettings.seed): \(kills) kill points, \(errors) injected errors
            """)
        guard TortureSettings.isWholeRun else { return }
        #expect(kills >= Self.killsMin)
        #expect(errors >= Self.errorsMin)
    }
}

extension Trait where Self == Tabulated {
    static var tabulated: Self { Self() }
}
