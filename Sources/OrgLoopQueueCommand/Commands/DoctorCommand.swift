import ArgumentParser
import Foundation

/// Looks for what is wrong with a queue and says what mends it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what is wrong with a queue and says what mends it.",
        discussion: """
            Looks at the configuration, the files, the service, the token, the clock, the senders and the readers, \
            whether the service runs or not. It changes nothing. Exits 1 if a check fails; a warning is none.

            EXAMPLE
              orgloop-queue doctor
              orgloop-queue doctor --config /etc/orgloop-queue.yaml --json
            """)

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let findings = await Doctor(options: options, environment: environment).findings()
        let isFine = !findings.contains { $0.level == .fail }
        if json {
            try StandardStream.output.write(
                line: JSONOutput.object([
                    ("ok", isFine ? "true" : "false"),
                    ("findings", JSONOutput.array(findings.map(\.json))),
                ]))
        } else {
            let colour = StandardStream.output.hasColour(environment)
            for line in Finding.table(findings).lines(colour: colour) {
                try StandardStream.output.write(line: line)
            }
        }
        guard isFine else { throw ExitCode(1) }
    }
}
