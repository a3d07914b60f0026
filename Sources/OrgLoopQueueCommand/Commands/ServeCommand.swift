import ArgumentParser
import EventQueue
import EventQueueHTTP
import Foundation
import Logging

/// Runs the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Receives webhooks and hands events to engines until SIGTERM.",
        discussion: """
            Prints one line when it can commit: orgloop-queue ready on http://HOST:PORT. Logs go to standard \
            error. Without a configuration file it serves the source claude-code, with the secret of \
            CLAUDE_CODE_WEBHOOK_SECRET when that is set. The token of the consumer API is made at the first \
            start, beside the database. SIGHUP has the configuration read again, as config reload does.

            EXAMPLE
              orgloop-queue serve
              orgloop-queue serve --config /etc/orgloop-queue.yaml --listen 127.0.0.1:0
              orgloop-queue serve --config orgloop.yaml
            """)

    private static let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Where to listen, HOST:PORT; port 0 takes a free one (default: 127.0.0.1:4810).")
    var listen: String?

    @Option(help: "Token file (default: beside the database).")
    var tokenFile: String?

    @Option(help: "How log lines look: text or json (default: text on a terminal).")
    var logFormat: LogFormat?

    @Option(
        help: "The least level that is logged: \(levels).",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError("'\(text)' is not a log level: \(levels).")
            }
            return level
        })
    var logLevel: Logger.Level = .info

    @Flag(help: "Log JSON lines, as --log-format json does.")
    var json = false

    mutating func run() async throws {
        ServiceParts.ignoreWriteSignals()
        DescriptorLimit.raise(for: 0)
        guard DescriptorLimit.files >= DescriptorLimit.filesMin else {
            throw CommandFailure(
                message: "this process may open \(DescriptorLimit.files) files, and the service needs "
                    + "\(DescriptorLimit.filesMin) before anybody connects",
                mend: "Raise the limit: `ulimit -n 1024` in a shell, LimitNOFILE=1024 in a unit of systemd.")
        }
        // Before anything that takes time: the signal would end the process.
        let hangUp = HangUpSignal()
        let loader = options.loader(
            listen: listen, tokenFile: tokenFile, environment: ProcessInfo.processInfo.environment)
        let loadedAt = Timestamp.now()
        let configuration = try loader.load()
        let format = logFormat ?? (json || !StandardStream.error.isTerminal ? .json : .text)
        let level = logLevel
        let logger = Logger(label: "orgloop-queue") { label in
            StreamLogHandler(label: label, level: level, format: format)
        }
        makeRoom(for: configuration.limits.connectionsMax, logger)
        let reloads = Reloads(file: configuration.file.map(Self.full), loadedAt: loadedAt)
        try await QueueService(
            configuration: configuration, loader: loader, reloads: reloads, hangUp: hangUp, logger: logger
        ).run()
    }

    /// Has descriptors for as many connections as may be open, or says that there are fewer.
    private func makeRoom(for connections: Int, _ logger: Logger) {
        DescriptorLimit.raise(for: connections)
        let possible = DescriptorLimit.connectionsMax
        guard possible < connections else { return }
        logger.warning(
            "fewer connections than connections_max fit into what this process may open (ulimit -n, LimitNOFILE)",
            metadata: ["connections_max": "\(connections)", "possible": "\(possible)"])
    }

    /// Whoever asks for the status stands in another directory.
    private static func full(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
