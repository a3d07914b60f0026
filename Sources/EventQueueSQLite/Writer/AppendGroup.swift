import EventQueue
import Foundation
import GRDB

/// Appends that share a commit. It belongs to the writer's thread.
final class AppendGroup {
    /// Tells one caller what became of its event.
    typealias Receipt = @Sendable (Result<Appended, any Error>) -> Void

    private struct Member {
        let event: NewEvent
        let receipt: Receipt
    }

    private let guardian: Guardian
    private let doorbell: Doorbell
    private let onCommit: CommitObserver
    private var members: [Member] = []
    private var sourceRows: [Source.ID: Int64] = [:]

    init(guardian: Guardian, doorbell: Doorbell, onCommit: @escaping CommitObserver) {
        self.guardian = guardian
        self.doorbell = doorbell
        self.onCommit = onCommit
    }

    var count: Int { members.count }

    func add(_ event: NewEvent, _ receipt: @escaping Receipt) {
        members.append(Member(event: event, receipt: receipt))
    }

    /// Commits the members and tells each what became of it: all are durable, or none is acknowledged.
    func commit(in pool: DatabasePool) {
        guard !members.isEmpty else { return }
        let group = members
        members = []
        let begin = ContinuousClock.now
        do {
            let results = try guardian.guarding(appending: group.count) {
                try pool.writeWithoutTransaction { database in
                    try database.transaction { try insert(group, into: database) }
                }
            }
            onCommit(Commit(events: group.count, duration: begin.duration(to: .now)))
            guardian.noteStored(results.count { if case .success(.stored) = $0 { true } else { false } })
            for (member, result) in zip(group, results) { member.receipt(result) }
            for source in Set(group.map(\.event.source)) { doorbell.ring(source) }
        } catch {
            sourceRows = [:]
            for member in group { member.receipt(.failure(error)) }
        }
    }

    private typealias Insertion = Result<Appended, any Error>

    private func insert(_ group: [Member], into database: Database) throws -> [Insertion] {
        var stored: [Int64: Int] = [:]
        var insertion = try EventInsertion(in: database)
        let results = try group.map { member -> Insertion in
            let source = try sourceRow(of: member.event.source, in: database)
            let appended = try insertion.append(member.event, source: source)
            if case .stored = appended { stored[source, default: 0] += 1 }
            return .success(appended)
        }
        for (source, count) in stored {
            try database.run("UPDATE source SET events = events + ? WHERE id = ?", [count, source])
        }
        return results
    }

    private func sourceRow(of source: Source.ID, in database: Database) throws -> Int64 {
        if let known = sourceRows[source] { return known }
        let row = try database.sourceRow(source, insertingIfMissing: true)
        sourceRows[source] = row
        return row
    }
}
