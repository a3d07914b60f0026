import Foundation
import Synchronization

/// A program that was started in a scratch directory, with an environment of its own.
///
/// `@unchecked` because Foundation's `Process` and `FileHandle` are not marked; nothing of them is changed
/// after the start, and their reads happen on one queue.
package final class ChildProcess: @unchecked Sendable {
    private let process = Process()
    private let output = Pipe()
    private let errorPath: String
    /// Kept, because the directory goes away with its last user.
    private let scratch: Scratch
    private let queue = DispatchQueue(label: "child output")
    private let exit = Exit()
    /// What was read behind the last line that was asked for; touched on `queue` only.
    private var unread: [UInt8] = []

    /// Foundation's `Process.run` has crashed in its own copying while another thread was in it, too.
    private static let starting = Mutex(())

    /// - Parameter environment: Beside `PATH`, `HOME` and `XDG_STATE_HOME`, which lie in the scratch directory.
    package init(
        _ program: String, _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:],
        input: String? = nil
    ) throws {
        self.scratch = scratch
        errorPath = scratch.path + "/stderr-" + UUID().uuidString
        try Data().write(to: URL(filePath: errorPath))
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: scratch.path)
        let inherited = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        process.environment = [
            "PATH": inherited, "HOME": scratch.path, "XDG_STATE_HOME": scratch.path + "/state",
        ].merging(environment) { $1 }
        process.standardOutput = output
        // A file, so that no amount of log can block the program.
        let errors = try FileHandle(forWritingTo: URL(filePath: errorPath))
        process.standardError = errors
        let inputs = try input.map { try FileHandle(forReadingFrom: URL(filePath: scratch.write($0, to: "stdin"))) }
        process.standardInput = inputs ?? FileHandle.nullDevice
        process.terminationHandler = { [exit] process in
            let isSignal = process.terminationReason == .uncaughtSignal
            exit.set(isSignal ? -process.terminationStatus : process.terminationStatus)
        }
        try Self.starting.withLock { _ in try process.run() }
        // Foundation's `Process` keeps them, and is kept, for longer than anybody needs it.
        for handle in [output.fileHandleForWriting, errors, inputs] { try handle?.close() }
    }

    deinit {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        try? output.fileHandleForReading.close()
    }

    package var processID: Int32 { process.processIdentifier }

    /// What it wrote to standard error so far.
    package var standardError: String {
        String(decoding: FileManager.default.contents(atPath: errorPath) ?? Data(), as: UTF8.self)
    }

    /// Sends a signal to this process.
    package func send(signal: Int32) { Foundation.kill(processID, signal) }

    /// Waits for its end: the exit code, or the negative number of the signal that killed it.
    package func waitForExit() async -> Int32 { await killedWhenCancelled { await exit.wait() } }

    /// Reads one line of its output; `nil` at its end.
    package func readLine() async -> String? {
        await killedWhenCancelled {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: self.nextLine()) }
            }
        }
    }

    /// Reads its output to the end.
    package func readToEnd() async -> String {
        await killedWhenCancelled {
            await withCheckedContinuation { continuation in
                queue.async {
                    while self.readMore() {}
                    defer { self.unread = [] }
                    continuation.resume(returning: String(decoding: self.unread, as: UTF8.self))
                }
            }
        }
    }

    /// A test that has run out of its time must not wait for a program that has not: it fails, and the next begins.
    private func killedWhenCancelled<Result>(_ wait: () async -> Result) async -> Result {
        await withTaskCancellationHandler(operation: wait) { send(signal: SIGKILL) }
    }

    private func nextLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: 0x0A) {
                defer { unread.removeFirst(end + 1) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            guard readMore() else { return nil }
        }
    }

    private func readMore() -> Bool {
        let data = output.fileHandleForReading.availableData
        unread += data
        return !data.isEmpty
    }
}

/// An exit status that many can wait for.
private final class Exit: Sendable {
    private struct State {
        var status: Int32?
        var waiters: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())

    func set(_ status: Int32) {
        let waiters = state.withLock { state in
            state.status = status
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: status) }
    }

    func wait() async -> Int32 {
        await withCheckedContinuation { continuation in
            let status = state.withLock { state in
                if state.status == nil { state.waiters.append(continuation) }
                return state.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }
}
