import ArgumentParser
import EventQueueSQLite
import Foundation

/// What names a configuration and a database.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "Configuration file, or the orgloop.yaml of an OrgLoop project. Environment: ORGLOOP_QUEUE_CONFIG.")
    var config: String?

    @Option(help: "Database file. Environment: ORGLOOP_QUEUE_DATABASE.")
    var database: String?

    /// The flags that were given, for a command that is printed to be copied.
    var arguments: [String] { FlagText.given([("--config", config), ("--database", database)]) }

    /// What the configuration says, all of it.
    func load(tokenFile: String? = nil) throws -> ServiceConfiguration { try loader(tokenFile: tokenFile).load() }

    /// What it says of where things are, for a verb that leaves the rest to the service.
    func loadPlaces(tokenFile: String? = nil) throws -> ServiceConfiguration {
        try loader(tokenFile: tokenFile).loadPlaces()
    }

    /// What reads the configuration, now and again.
    ///
    /// - Parameter environment: A verb knows by default what the service of this user knows, too.
    func loader(
        listen: String? = nil, tokenFile: String? = nil,
        environment: [String: String] = EnvironmentFile.besides(ProcessInfo.processInfo.environment)
    ) -> ConfigurationLoader {
        let flags = ConfigurationLoader.Flags(
            config: config, database: database, listen: listen, tokenFile: tokenFile)
        return ConfigurationLoader(flags: flags, environment: environment)
    }
}

/// Flags as they stand on a command line.
private enum FlagText {
    static func given(_ flags: [(String, String?)]) -> [String] {
        flags.flatMap { flag, value in value.map { [flag, $0] } ?? [] }
    }
}

/// How a verb reaches the queue.
struct ConnectionOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        help: "URL of the service (default: as the database's lock file tells). Environment: ORGLOOP_QUEUE_URL."
    )
    var url: String?

    @Option(help: "File with the token (default: beside the database). Environment: ORGLOOP_QUEUE_TOKEN.")
    var tokenFile: String?

    /// A parallel verb or a starting service may take the lock in between; nobody does so again and again.
    private static let attemptsMax = 5

    /// Runs `verb` against the service that runs, or else against one that lives as long as the verb.
    ///
    /// - Parameters:
    ///   - reason: Why the verb makes no sense while the service is stopped, for those that do not.
    ///   - makingDatabase: Whether it begins the database that was named if there is none.
    ///   - verb: Called with the service, and with what the configuration says of places; a source that cannot be
    ///     used is missing.
    /// - Throws: ``CommandFailure`` when neither is possible; what `verb` throws.
    func withService<Result>(
        onlyRunning reason: String? = nil, makingDatabase: Bool = false,
        _ verb: (ServiceConnection, ServiceConfiguration) async throws -> Result
    ) async throws -> Result {
        var locator = try locator()
        locator.makesDatabase = makingDatabase
        var attempts = 0
        while true {
            attempts += 1
            if case .running(let service) = try await locator.locate() {
                return try await verb(service, locator.configuration)
            }
            if let reason { throw Self.stopped(locator.configuration, reason) }
            let standIn: StandInService
            do {
                // What stands in for the service needs all of its configuration.
                standIn = try await StandInService(
                    try configuration.load(tokenFile: tokenFile), migrating: makingDatabase ? .onlyNew : .never)
            } catch let refusal as StartRefusal {
                guard refusal.isLocked, attempts < Self.attemptsMax else { throw CommandFailure(refusal) }
                continue
            }
            return try await standIn.run { try await verb($0, locator.configuration) }
        }
    }

    /// What finds the service; for a verb that has to find it again after a restart.
    func locator() throws -> ServiceLocator {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try configuration.loadPlaces(tokenFile: tokenFile)
        let named = url ?? environment["ORGLOOP_QUEUE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let token = Result { () throws(CommandFailure) in
            try self.token(environment, file: TokenFile(path: configuration.tokenFile))
        }
        let isDatabaseNamed =
            self.configuration.database != nil || environment["ORGLOOP_QUEUE_DATABASE"].map { !$0.isEmpty } ?? false
        return ServiceLocator(
            configuration: configuration, url: named, token: token, isDatabaseNamed: isDatabaseNamed)
    }

    /// The flags that were given, for a command that is printed to be copied.
    var arguments: [String] {
        configuration.arguments + FlagText.given([("--url", url), ("--token-file", tokenFile)])
    }

    /// Those of them that `serve` has, too.
    var servingArguments: [String] {
        configuration.arguments + FlagText.given([("--token-file", tokenFile)])
    }

    private func token(_ environment: [String: String], file: TokenFile) throws(CommandFailure) -> String? {
        // A file that was named outright wins over the environment, like every flag.
        guard let tokenFile else {
            if let token = environment["ORGLOOP_QUEUE_TOKEN"], !token.isEmpty { return token }
            return try file.load()
        }
        guard let token = try file.load() else {
            throw CommandFailure(
                message: "there is no token file \(tokenFile)",
                mend: "Name the file 'token' beside the service's database with --token-file.")
        }
        return token
    }

    private static func stopped(_ configuration: ServiceConfiguration, _ reason: String) -> CommandFailure {
        CommandFailure(
            message: "the service of \(configuration.database) is stopped, and \(reason)",
            mend: "Start it with: orgloop-queue serve.")
    }
}
