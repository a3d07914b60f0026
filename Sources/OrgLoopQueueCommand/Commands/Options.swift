import ArgumentParser
import Foundation

/// What names a configuration and a database.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "Configuration file. Environment: ORGLOOP_QUEUE_CONFIG.")
    var config: String?

    @Option(help: "Database file. Environment: ORGLOOP_QUEUE_DATABASE.")
    var database: String?

    func load(listen: String? = nil, tokenFile: String? = nil) throws -> ServiceConfiguration {
        let flags = ConfigurationLoader.Flags(
            config: config, database: database, listen: listen, tokenFile: tokenFile)
        return try ConfigurationLoader(flags: flags, environment: ProcessInfo.processInfo.environment).load()
    }
}

/// How a verb reaches the running service.
struct ConnectionOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "URL of the service (default: where it listens). Environment: ORGLOOP_QUEUE_URL.")
    var url: String?

    @Option(help: "File with the token (default: beside the database). Environment: ORGLOOP_QUEUE_TOKEN.")
    var tokenFile: String?

    /// The service, with what its configuration says about it.
    func connect() throws -> (service: ServiceConnection, configuration: ServiceConfiguration) {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try configuration.load(tokenFile: tokenFile)
        let named = url ?? environment["ORGLOOP_QUEUE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        if named == nil, configuration.listen.port == 0 {
            throw CommandFailure(
                message: "the service takes a free port, so its configuration does not tell where it is",
                mend: "Name it with --url; its ready line shows the URL.")
        }
        let token = try token(environment, file: TokenFile(path: configuration.tokenFile))
        let service = try ServiceConnection(url: named ?? configuration.listen.localURL, token: token)
        return (service, configuration)
    }

    private func token(_ environment: [String: String], file: TokenFile) throws -> String? {
        // A file that was named outright wins over the environment, like every flag.
        if tokenFile == nil, let token = environment["ORGLOOP_QUEUE_TOKEN"], !token.isEmpty { return token }
        return try file.load()
    }
}
