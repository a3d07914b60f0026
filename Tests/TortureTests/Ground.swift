import EndToEndSupport
import Foundation

/// A database with some history, and a witness who knows it; every try gets a copy.
///
/// Its service was killed, so there is a WAL to recover in each copy.
struct Ground: Sendable {
    /// What a ground was made of.
    enum Kind: String, Sendable {
        /// No database at all.
        case empty = "a new database"
        /// A few events, some handed over.
        case light = "a killed database"
        /// The same, and a WAL that a large event makes long enough to be copied into the database.
        case heavy = "a long WAL"
    }

    /// The service refused what needs no courage.
    struct NotLaid: Error {
        let answers: [Answer]
    }

    let kind: Kind
    let witness: Witness
    private let scratch: Scratch

    static func make(_ kind: Kind) async throws -> Ground {
        let scratch = try Scratch()
        var witness = Witness()
        guard kind != .empty else { return Ground(kind: kind, witness: witness, scratch: scratch) }
        let service = try await ServiceProcess.start(in: scratch)
        var answers: [Answer] = []
        for number in 1...9 { answers.append(await witness.append("old-\(number)", to: service)) }
        // The second poll confirms the first batch; the last events wait.
        answers.append(await witness.poll(service, limit: 3))
        answers.append(await witness.poll(service, limit: 2))
        if kind == .heavy {
            // A thousand pages are when SQLite checkpoints, some fourteen an event.
            for number in 1...60 {
                answers.append(await witness.append("heavy-\(number)", summaryBytes: 50_000, to: service))
            }
        }
        await service.kill()
        guard answers.allSatisfy({ $0 == .done }) else {
            throw NotLaid(answers: answers)
        }
        return Ground(kind: kind, witness: witness, scratch: scratch)
    }

    /// A directory of its own for one try.
    func copy() throws -> Scratch {
        let copy = try Scratch()
        if FileManager.default.fileExists(atPath: scratch.path + "/state") {
            try FileManager.default.copyItem(atPath: scratch.path + "/state", toPath: copy.path + "/state")
        }
        return copy
    }
}
