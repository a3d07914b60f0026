package import EventQueueHTTP
import Foundation

/// The real service, running on a free port with everything it makes in a scratch directory.
///
/// `start` returns when the ready line was read, so a test needs no sleep. The process is killed when the
/// value goes away.
package final class ServiceProcess: Sendable {
    /// The service ended without a ready line.
    package struct NotStarted: Error, CustomStringConvertible {
        package let status: Int32
        package let error: String

        package var description: String { "exit \(status): \(error)" }
    }

    package let scratch: Scratch
    package let child: ChildProcess
    /// The first line of its output.
    package let readyLine: String
    /// Where it listens: `http://127.0.0.1:PORT`.
    package let url: String

    package var port: Int { Int(url.split(separator: ":").last ?? "") ?? 0 }
    package var processID: Int32 { child.processID }
    /// What it logged so far.
    package var standardError: String { child.standardError }

    private init(scratch: Scratch, child: ChildProcess, readyLine: String) {
        self.scratch = scratch
        self.child = child
        self.readyLine = readyLine
        url = readyLine.split(separator: " ").last.map(String.init) ?? ""
    }

    /// Starts `orgloop-queue serve` and waits until it can commit.
    ///
    /// - Parameters:
    ///   - arguments: More flags; the listen address is a free port unless they name one.
    ///   - tracer: A program and its flags that run the service, `strace` for example.
    /// - Throws: ``NotStarted`` with the exit code and what it said.
    package static func start(
        in scratch: Scratch, _ arguments: [String] = [], environment: [String: String] = [:],
        tracer: [String] = []
    ) async throws -> ServiceProcess {
        let listen = arguments.contains("--listen") ? [] : ["--listen", "127.0.0.1:0"]
        let command = tracer + [try Binary.path(), "serve"] + listen + arguments
        let child = try ChildProcess(
            try Tool.path(command[0]), Array(command.dropFirst()), in: scratch, environment: environment)
        guard let line = await child.readLine() else {
            throw NotStarted(status: await child.waitForExit(), error: child.standardError)
        }
        return ServiceProcess(scratch: scratch, child: child, readyLine: line)
    }

    /// Kills it without warning and waits until it is gone.
    package func kill() async {
        child.send(signal: SIGKILL)
        _ = await child.waitForExit()
    }

    /// Asks it to stop and waits for its end.
    ///
    /// - Returns: The exit code.
    @discardableResult
    package func stop() async -> Int32 {
        child.send(signal: SIGTERM)
        return await child.waitForExit()
    }

    /// A client with the token of this service.
    package func client() throws -> QueueClient {
        let text = String(
            decoding: try Data(contentsOf: URL(filePath: scratch.state + "/token")), as: UTF8.self)
        return try QueueClient(
            url: url, token: AccessToken(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Runs a verb of the command line against this service.
    package func run(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) async throws -> Binary.Result {
        try await Binary.run(arguments + ["--url", url], in: scratch, environment: environment, input: input)
    }
}
