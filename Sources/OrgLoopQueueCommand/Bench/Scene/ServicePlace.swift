import Foundation

/// A database, a configuration and a secret of their own, for a service that the bench starts.
struct ServicePlace: Sendable {
    /// Everything of it is in this directory.
    let directory: String
    let secret: String

    static let source = "claude-code"

    var database: String { directory + "/queue.db" }
    var configuration: String { directory + "/orgloop-queue.yaml" }
    var tokenFile: String { directory + "/token" }
    var log: String { directory + "/service.log" }

    /// - Parameter connections: How many the service must let in.
    init(_ name: String, in scratch: BenchScratch, connections: Int) throws {
        directory = scratch.path(name)
        secret = TokenFile.makeToken()
        do {
            try PrivateFile.makeDirectory(directory)
            try PrivateFile.replace(directory + "/secret", with: Array((secret + "\n").utf8))
            try PrivateFile.replace(configuration, with: Array(Self.yaml(connections).utf8))
        } catch {
            throw CommandFailure(message: error.message, mend: "Make room there, or name another --directory.")
        }
    }

    /// What a user has by default, with a secret.
    private static func yaml(_ connections: Int) -> String {
        """
        database: queue.db
        sources:
          - id: \(source)
            connector: "@orgloop/connector-claude-code"
            config: { secret_file: secret }
        limits: { connections_max: \(max(256, connections + 8)) }

        """
    }
}
