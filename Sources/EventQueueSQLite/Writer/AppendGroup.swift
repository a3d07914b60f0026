import EventQueue
import Foundation
import GRDB

/// Appends that share a commit. It belongs to the writer's thread.
final class AppendGroup {
    /// Tells one caller what became of its event.
    typealias Receipt = @Sendable (Result<Appended, any Error>) -> Void

    /// One caller's event.
    ///
    /// An object, because it goes through several hands, and the event has a dozen references to keep count of.
    final class Member: Sendable {
        let event: NewEvent
        let receipt: Receipt

        init(event: NewEvent, receipt: @escaping Receipt) {
            self.event = event
            self.receipt = receipt
        }
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

    func add(_ member: Member) { members.append(member) }

    /// Commits the members and tells each what became of it: all are durable, or none is acknowledged.
    func commit(in pool: DatabasePool) {
        guard !members.isEmpty else { return }
        let group = members
        members = []
        let begin = ContinuousClock.now
        do {
            let insertion = try guardian.guarding(appending: group.count) {
                try pool.writeWithoutTransaction { database in
                    try database.transaction { try insert(group, into: database) }
                }
            }
            onCommit(Commit(events: group.count, duration: begin.duration(to: .now)))
            guardian.noteStored(insertion.stored.values.reduce(0, +))
            for (member, appended) in zip(group, insertion.results) { member.receipt(.success(appended)) }
            for source in insertion.stored.keys { doorbell.ring(source) }
        } catch {
            sourceRows = [:]
            for member in group { member.receipt(.failure(error)) }
        }
    }

    private func insert(
        _ group: [Member], into database: Database
    ) throws -> (results: [Appended], stored: [Source.ID: Int]) {
        var insertion = try EventInsertion(in: database, knowing: sourceRows)
        let results = try group.map { try insertion.append($0.event) }
        try insertion.finish()
        sourceRows = insertion.sources
        return (results, insertion.stored)
    }
}
