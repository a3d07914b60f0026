import ArgumentParser

/// The bare server that `compare` starts in a process of its own.
struct BenchResponderCommand: AsyncParsableCommand {
    static let name = "responder"

    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Answers 200 to everything, on a free port: what bench compare compares with.",
        discussion: """
            EXAMPLE
              orgloop-queue bench responder
            """,
        shouldDisplay: false)

    mutating func run() async throws {
        ServiceParts.ignoreWriteSignals()
        try await Responder.serve { port in
            try StandardStream.output.write(line: "ready on http://\(BenchService.host):\(port)")
        }
    }
}
