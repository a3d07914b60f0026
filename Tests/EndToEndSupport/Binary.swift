import Foundation

/// The program under test.
package enum Binary {
    /// Why a test cannot run.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// The path of `orgloop-queue`.
    ///
    /// `swift build --build-tests` puts it beside the test bundle; `ORGLOOP_QUEUE_BINARY` names another
    /// one, a release build for example.
    package static func path() throws -> String {
        if let path = ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_BINARY"] { return path }
        // On Linux the bundle is the running program; on macOS a helper gets its path as an argument.
        let hints =
            [try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")]
            + CommandLine.arguments.map(Optional.some)
        for hint in hints.compactMap(\.self) {
            guard let bundle = hint.firstRange(of: ".xctest") else { continue }
            let directory = URL(filePath: String(hint[..<bundle.upperBound])).deletingLastPathComponent()
            let binary = directory.appending(path: "orgloop-queue").path
            if FileManager.default.isExecutableFile(atPath: binary) { return binary }
        }
        throw Missing(description: "orgloop-queue is not beside the test bundle; set ORGLOOP_QUEUE_BINARY")
    }

    /// What a program wrote and how it ended.
    package struct Result: Sendable {
        package let status: Int32
        package let output: String
        package let error: String

        /// The lines of the output, without an empty one at the end.
        package var lines: [String] { output.split(separator: "\n").map(String.init) }

        package init(status: Int32, output: String, error: String) {
            self.status = status
            self.output = output
            self.error = error
        }
    }

    /// Runs a verb to its end.
    package static func run(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:], input: String? = nil
    ) async throws -> Result {
        let run = try ChildProcess(
            path(), arguments, in: scratch, environment: environment, input: input)
        let output = await run.readToEnd()
        let status = await run.waitForExit()
        return Result(status: status, output: output, error: run.standardError)
    }

    /// Runs a line as a person does who copies it from the terminal.
    package static func shell(_ line: String, in scratch: Scratch) async throws -> Result {
        let directory = URL(filePath: try path()).deletingLastPathComponent().path
        let programs = "\(directory):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let shell = try ChildProcess("/bin/sh", ["-c", line], in: scratch, environment: ["PATH": programs])
        let output = await shell.readToEnd()
        return Result(status: await shell.waitForExit(), output: output, error: shell.standardError)
    }
}

/// Other programs that some tests use; `config/bootstrap test` installs them.
package enum Tool {
    /// Whether it is in `PATH`: the condition of a test that cannot do without.
    package static func has(_ name: String) -> Bool { (try? path(name)) != nil }

    /// The path of a program; a name with a slash is one already.
    package static func path(_ name: String) throws -> String {
        if name.contains("/") { return name }
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths = directories.map { "\($0)/\(name)" }
        guard let path = paths.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw Binary.Missing(description: "\(name) is not in PATH")
        }
        return path
    }

    /// Whether strace is there and may trace, which some containers forbid.
    package static func canTrace() async -> Bool {
        guard let path = try? path("strace"), let scratch = try? Scratch(),
            let run = try? ChildProcess(path, ["-o", "/dev/null", "true"], in: scratch)
        else { return false }
        return await run.waitForExit() == 0
    }
}
