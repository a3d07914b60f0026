import Foundation

/// A program of ours that says on which port it listens.
struct ReadyProgram: Sendable {
    let port: Int
    private let program: SpawnedProgram
    private let scratch: BenchScratch

    /// Starts it and waits for its line `… ready on http://HOST:PORT`.
    static func start(_ order: SpawnedProgram.Order, in scratch: BenchScratch) async throws -> ReadyProgram {
        let program = try scratch.start(order)
        let port = await Blocking.run {
            program.line { line in line.split(separator: ":").last.flatMap { Int($0) } }
        }
        guard let port else {
            scratch.stop(program)
            let said = String(decoding: FileManager.default.contents(atPath: order.errors) ?? Data(), as: UTF8.self)
            throw CommandFailure(
                message: "\(order.words[0]) was not ready within \(SpawnedProgram.patience): "
                    + (said.split(separator: "\n").last.map { String($0).printable } ?? "it said nothing"),
                mend: "Leave it out, or mend it.")
        }
        return ReadyProgram(port: port, program: program, scratch: scratch)
    }

    var usage: ProcessUsage? { ProcessUsage(of: program.processID) }

    func stop() { scratch.stop(program) }

    /// The path of a program in `PATH`.
    ///
    /// - Throws: ``PeerMissing``.
    static func path(of name: String) throws -> String {
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let paths = directories.map { "\($0)/\(name)" }
        guard let path = paths.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw PeerMissing(program: name)
        }
        return path
    }
}
