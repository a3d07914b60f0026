/// The stock `sqlite3` shell, as an auditor uses it beside the running service.
package enum SQLiteShell {
    /// The shell refused or failed.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The rows that `question` answers, their columns separated by tabs.
    package static func rows(_ question: String, of database: String, in scratch: Scratch) async throws -> [String] {
        let arguments = ["-readonly", "-bail", "-separator", "\t", database, question]
        let shell = try ChildProcess(Tool.path("sqlite3"), arguments, in: scratch)
        let output = await shell.readToEnd()
        let status = await shell.waitForExit()
        guard status == 0, shell.standardError.isEmpty else {
            throw Failure(description: "sqlite3 ended with \(status): \(shell.standardError)")
        }
        return output.split(separator: "\n").map(String.init)
    }
}
