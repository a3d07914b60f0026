import Foundation
import Synchronization

/// What a bench leaves behind unless it is cleared away: one directory and the programs that it started.
///
/// It is cleared when the bench ends, and when a signal ends it.
final class BenchScratch: Sendable {
    /// Everything that is written is in it.
    let directory: String
    private let parent: String
    /// What is measured on.
    let machine: BenchMachine

    private struct State {
        var programs: [pid_t: SpawnedProgram] = [:]
        var isCleared = false
    }

    private let state = Mutex(State())

    /// - Parameter parent: Where the directory is made; it decides about the disk that is measured.
    private init(in parent: String) {
        self.parent = parent
        machine = BenchMachine(measuring: parent)
        directory = parent + "/orgloop-queue-bench-\(getpid())-\(UInt32.random(in: .min ... .max))"
    }

    private func make() throws {
        var isDirectory: ObjCBool = false
        // Making it would leave it behind.
        guard FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw CommandFailure(
                message: "\(parent) is not a directory", mend: "Name a directory on the disk to measure: --directory.")
        }
        do {
            try PrivateFile.makeDirectory(directory)
        } catch {
            throw CommandFailure(message: error.message, mend: "Name a directory on the disk to measure: --directory.")
        }
    }

    /// Runs `body` with a scratch directory and clears it away, whatever happens to `body`.
    ///
    /// - Parameter parent: `nil` for the directory of temporary files that survive a restart: the other one is in
    ///   memory on many machines, where nothing is ever synced.
    static func with<Result>(
        in parent: String?, _ body: (BenchScratch) async throws -> Result
    ) async throws -> Result {
        ServiceParts.ignoreWriteSignals()
        var parent = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/var/tmp"
        while parent.count > 1, parent.hasSuffix("/") { parent.removeLast() }
        let scratch = BenchScratch(in: ThisProgram.absolute(parent) ?? parent)
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].map { number in
            TakenSignal(number) {
                scratch.clear()
                // Whoever started this sees by which signal it ended.
                signal(number, SIG_DFL)
                kill(getpid(), number)
            }
        }
        defer {
            scratch.clear()
            for signal in signals { signal.cancel() }
        }
        do {
            // Only now: a signal that comes takes it away.
            try scratch.make()
            scratch.machine.warn()
            return try await body(scratch)
        } catch {
            // What failed because a signal cleared everything away is no failure to tell: the signal ends the process.
            if scratch.isCleared { try await Task.sleep(for: .seconds(60)) }
            throw error
        }
    }

    /// Starts a program that does not outlive the bench.
    func start(_ order: SpawnedProgram.Order) throws -> SpawnedProgram {
        try state.withLock { state in
            guard !state.isCleared else { throw CancellationError() }
            let program = try SpawnedProgram(order)
            state.programs[program.processID] = program
            return program
        }
    }

    /// Ends a program of ours.
    func stop(_ program: SpawnedProgram) {
        state.withLock { state in
            // A signal that comes now waits, and finds nothing left to end.
            if state.programs.removeValue(forKey: program.processID) != nil { program.kill() }
        }
    }

    /// Waits for the end of a program of ours.
    func wait(for program: SpawnedProgram) -> Int32 {
        let status = program.wait()
        state.withLock { _ = $0.programs.removeValue(forKey: program.processID) }
        return status
    }

    /// A file or directory in it.
    func path(_ name: String) -> String { directory + "/" + name }

    /// What programs are started with: nothing of the user's own configuration.
    var environment: [String: String] {
        let inherited = ProcessInfo.processInfo.environment
        let own = ["HOME": directory, "XDG_STATE_HOME": path("state")]
        return own.merging(inherited.filter { ["PATH", "LD_LIBRARY_PATH", "TMPDIR"].contains($0.key) }) { $1 }
    }

    private var isCleared: Bool { state.withLock(\.isCleared) }

    private func clear() {
        state.withLock { state in
            guard !state.isCleared else { return }
            state.isCleared = true
            for program in state.programs.values { program.kill() }
            state.programs = [:]
            // A store of this process may make a file meanwhile.
            for _ in 0..<3 where FileManager.default.fileExists(atPath: directory) {
                try? FileManager.default.removeItem(atPath: directory)
            }
        }
    }
}
