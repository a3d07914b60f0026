import Foundation

/// For whom the service runs.
enum ServiceScope: String, Sendable, CaseIterable {
    /// The person who installs it, with that person's rights.
    case user
    /// The machine, as a user of its own.
    case system
}

/// What a unit is made of: everything that differs from machine to machine.
struct ServicePlan: Sendable {
    let scope: ServiceScope
    /// The absolute path of this program.
    let program: String
    /// The absolute path of the configuration file; `nil` without one.
    let configurationFile: String?
    let database: String
    let tokenFile: String
    /// Where it listens, when that was said on the command line.
    let listen: String?
    /// OrgLoop's buffers that the service imports.
    let bufferDirectories: [String]
    /// The files with the secrets of its sources.
    var secretFiles: [String] = []
    /// The user it runs as; `nil` for whoever installs it.
    let account: String?

    /// Where the system's service keeps everything unless it is told otherwise.
    static let systemState = "/var/lib/orgloop-queue"

    /// The command line, without what a service manager needs.
    var words: [String] {
        [program, "serve"] + (configurationFile.map { ["--config", $0] } ?? []) + ["--database", database]
            + (listen.map { ["--listen", $0] } ?? [])
            + token
    }

    /// What has the service read its configuration again, and fails with the reason when it refuses.
    var reloadWords: [String] { [program, "config", "reload", "--database", database] + token }

    private var token: [String] {
        tokenFile == directory(database) + "/token" ? [] : ["--token-file", tokenFile]
    }

    /// The directories that the service writes to.
    var writable: [String] {
        let all = [directory(database), directory(tokenFile)]
        return all[0] == all[1] ? [all[0]] : all
    }

    /// Every path that the service has to see.
    var visible: [String] {
        [program] + (configurationFile.map { [$0] } ?? []) + writable + bufferDirectories + secretFiles
    }

    private func directory(_ path: String) -> String { ConfigurationLoader.directory(of: path) }
}
