import ArgumentParser
import EventQueue

extension ConfigCommand {
    /// Has the running service read its configuration again.
    struct ReloadCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reload",
            abstract: "Has the running service read its configuration again.",
            discussion: """
                Sources, secrets, consumers, retention, limits and hosts hold from the next request on; no \
                connection is dropped. The service reads the file that it was started with. A file that cannot be \
                used is refused whole, and the old configuration holds. listen, database and token_file need a \
                restart. So does a variable of the environment, which is what it was when the service started; a \
                secret_file, and the .env of an OrgLoop project, are read anew. SIGHUP does the same without an \
                answer.

                EXAMPLE
                  orgloop-queue config reload
                  systemctl reload orgloop-queue
                """)

        @OptionGroup var options: ConnectionOptions

        @Flag(help: "Print the service's answer as JSON.")
        var json = false

        mutating func run() async throws {
            let reason = "it reads its configuration when it starts"
            let reply = try await options.withService(onlyRunning: reason) { service, _ in
                try await service.post("/v1/reload", body: "{}")
            }
            try reply.requireSuccess()
            if json { return try StandardStream.output.write(line: reply.text) }
            for line in try reply.decoded(ReloadReport.self).lines {
                try StandardStream.output.write(line: line)
            }
        }
    }
}

/// The answer of `POST /v1/reload`.
private struct ReloadReport: Decodable {
    let file: String?
    let changes: [String]
    let needsRestart: [String]

    var lines: [String] {
        let read = file ?? "the defaults, there is no configuration file"
        let head = changes.isEmpty ? "nothing to change" : counted(changes.count, "change")
        return ["read \(read): \(head)"] + changes.map { "  " + $0 }
            + needsRestart.map { "needs a restart of the service: " + $0 }
    }
}
