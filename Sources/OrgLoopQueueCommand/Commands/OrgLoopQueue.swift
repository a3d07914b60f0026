import ArgumentParser
import EventQueueSQLite
import Foundation

/// The command and its verbs.
struct OrgLoopQueue: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "orgloop-queue",
        abstract: "A durable inbox in front of an OrgLoop engine.",
        discussion: """
            Receives webhooks, commits them to SQLite before it answers 200, and hands each event to the \
            engine exactly once.

            Exit codes: 0 ok, 1 failed, 2 misuse.

            EXAMPLE
              orgloop-queue serve
              orgloop-queue send claude-code
              orgloop-queue poll claude-code --consumer me
              orgloop-queue status
            """,
        version: version,
        subcommands: [
            ServeCommand.self, MigrateCommand.self, ConfigCommand.self, SendCommand.self, PollCommand.self,
            StatusCommand.self, ResumeCommand.self, EventsCommand.self, ShowCommand.self, TailCommand.self,
            ReplayCommand.self, QuarantineCommand.self, PruneCommand.self, ConsumerCommand.self, VerifyCommand.self,
            BackupCommand.self, ExportCommand.self, ImportCommand.self, HookCommand.self, ConnectorCommand.self,
            ServiceCommand.self, DoctorCommand.self, BenchCommand.self,
        ])
}

/// A command that could not do what it was asked, and what mends it.
struct CommandFailure: Error {
    let message: String
    let mend: String

    init(message: String, mend: String) {
        self.message = message
        self.mend = mend
    }

    /// A database that is not opened.
    init(_ refusal: StartRefusal) { self.init(message: refusal.message, mend: refusal.mend) }
}

/// Runs the command line and turns what it throws into words and one of three exit codes.
@main
enum Program {
    /// The command did what it was asked, could not, or was asked wrongly.
    enum ExitStatus: Int32 { case ok = 0, failed = 1, misuse = 2 }

    static func main() async {
        // Whatever a verb makes belongs to its user alone.
        umask(0o077)
        do {
            var command = try await OrgLoopQueue.asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let status = report(error)
            // Claude Code takes a 2 from a hook as an order to go on, whatever the mistake was.
            exit(status == .misuse && HookClaudeCodeCommand.isCalled ? ExitStatus.failed.rawValue : status.rawValue)
        }
    }

    private static func report(_ error: any Error) -> ExitStatus {
        switch error {
        case let failure as CommandFailure:
            StandardStream.error.say("orgloop-queue: \(failure.message)")
            if !failure.mend.isEmpty { StandardStream.error.say("  \(failure.mend)") }
            return .failed
        case let failure as ConfigurationFailure:
            for problem in failure.problems { StandardStream.error.say("\(problem)") }
            return .failed
        case let failure as StandardStream.WriteFailure:
            // Whoever read the output has gone; there is nobody to tell. A full disk is another matter.
            if failure.code != EPIPE {
                StandardStream.error.say(
                    "orgloop-queue: cannot write the output: \(String(cString: strerror(failure.code)))")
            }
            return .failed
        default: return reportFromParser(error)
        }
    }

    private static func reportFromParser(_ error: any Error) -> ExitStatus {
        let code = OrgLoopQueue.exitCode(for: error)
        let text = OrgLoopQueue.fullMessage(for: error)
        if code == .success {
            if !text.isEmpty { StandardStream.output.say(text) }
            return .ok
        }
        if !text.isEmpty { StandardStream.error.say(text) }
        // The parser calls misuse 64, after sysexits.h; scripts expect what shells and this page say.
        return code == .validationFailure ? .misuse : .failed
    }
}
