import EventQueue
import Foundation

/// Puts the configuration together: a flag wins over the environment, that over the file, that over the
/// default.
struct ConfigurationLoader {
    /// What was said on the command line.
    struct Flags: Sendable {
        var config: String?
        var database: String?
        var listen: String?
        var tokenFile: String?
    }

    let flags: Flags
    let environment: [String: String]

    /// Reads and checks everything.
    ///
    /// - Parameter served: Where the service listens that would take it over, whatever the file says.
    /// - Throws: ``ConfigurationFailure`` with every problem.
    func load(servedOn served: ListenAddress? = nil) throws(ConfigurationFailure) -> ServiceConfiguration {
        let reading = read(servedOn: served)
        guard reading.problems.isEmpty, let configuration = reading.configuration else {
            throw ConfigurationFailure(problems: reading.problems)
        }
        return configuration
    }

    /// What leads to the service: it judges the rest of its file itself, and has an environment of its own. Sources
    /// that cannot be used are missing.
    ///
    /// - Throws: ``ConfigurationFailure`` when the file cannot be read, or does not say for certain where things are.
    func loadPlaces() throws(ConfigurationFailure) -> ServiceConfiguration {
        let reading = read(servedOn: nil)
        guard reading.problemsOfPlaces.isEmpty, let configuration = reading.configuration else {
            throw ConfigurationFailure(problems: reading.problemsOfPlaces)
        }
        return configuration
    }

    private struct Reading {
        /// `nil` when no database is named.
        var configuration: ServiceConfiguration?
        /// All of them, in the order of the file.
        var problems: [ConfigurationProblem]
        /// Those of the file as a whole, and of the keys at its top: it may name another database.
        var problemsOfPlaces: [ConfigurationProblem]
    }

    private func read(servedOn served: ListenAddress?) -> Reading {
        var problems: [ConfigurationProblem] = []
        let path = (flags.config ?? named("ORGLOOP_QUEUE_CONFIG")).map(Self.file)
        let file = path.map { read($0, isReplacing: served != nil, problems: &problems) } ?? FileConfiguration()
        let listen = listen(file, problems: &problems)
        let database = database(file, beside: path, problems: &problems)
        let problemsOfPlaces = problems.filter { !$0.isWithin }
        let sources = file.sources.map { located($0, file, beside: path) } ?? standardSources(problems: &problems)
        problems += Self.unsigned(sources, on: served.map { $0.isLoopback ? listen : $0 } ?? listen)
        var reading = Reading(problems: problems, problemsOfPlaces: problemsOfPlaces)
        guard let database else { return reading }
        let tokenFile =
            flags.tokenFile ?? file.tokenFile.map { resolved($0, beside: path) }
            ?? Self.directory(of: database) + "/token"
        reading.configuration = ServiceConfiguration(
            file: path, files: file.files, fileNotices: file.notices, listen: listen, hosts: file.hosts ?? [],
            database: database, tokenFile: tokenFile, sources: sources, consumers: file.consumers ?? [],
            retention: file.retention, limits: file.limits)
        return reading
    }

    /// `$XDG_STATE_HOME/orgloop-queue`, else `~/.local/state/orgloop-queue`; `nil` without a home.
    static func stateDirectory(_ environment: [String: String]) -> String? {
        // The XDG specification: a relative path is invalid and to be ignored.
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return state + "/orgloop-queue"
        }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return home + "/.local/state/orgloop-queue"
    }

    static func directory(of path: String) -> String {
        EventQueue.directory(ofFile: path)
    }

    // MARK: Parts

    /// The configuration of a project stands in its directory.
    private static func file(_ path: String) -> String {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
        else { return path }
        return (path.hasSuffix("/") ? path : path + "/") + OrgLoopProject.fileName
    }

    private func read(
        _ path: String, isReplacing: Bool, problems: inout [ConfigurationProblem]
    ) -> FileConfiguration {
        do throws(ConfigurationProblem) {
            if isReplacing, !Self.isRegular(path) {
                // A pipe is empty after the first reading, and the next would wait for ever.
                throw ConfigurationProblem.whole(path, "is no file that can be read again", allowed: "a regular file")
            }
            let document = try ConfigurationDocument.read(path)
            if document == nil, isReplacing {
                // What an editor or a full disk leaves for a moment; as a configuration it would drop every source.
                throw ConfigurationProblem.whole(path, "is empty", allowed: "write `{}` for a file that says nothing")
            }
            let parsed = FileConfiguration.parse(document, file: path, environment: environment)
            problems += parsed.problems
            return parsed.configuration
        } catch {
            problems.append(error)
            return FileConfiguration()
        }
    }

    /// What is not there is another problem.
    private static func isRegular(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    }

    /// The sources with the full paths of their buffers.
    private func located(
        _ sources: [SourceConfiguration], _ file: FileConfiguration, beside path: String?
    ) -> [SourceConfiguration] {
        sources.map { source in
            var source = source
            source.bufferDirectory = source.bufferDirectory.map { buffer in
                resolved(buffer, beside: file.directory.map { $0 + "/" + OrgLoopProject.fileName } ?? path)
            }
            return source
        }
    }

    private func listen(
        _ file: FileConfiguration, problems: inout [ConfigurationProblem]
    ) -> ListenAddress {
        guard let text = flags.listen else { return file.listen ?? .standard }
        if let listen = ListenAddress(text) { return listen }
        problems.append(
            ConfigurationProblem(
                origin: .name("--listen"), key: "", problem: "'\(text)' is not allowed",
                allowed: ListenAddress.allowed))
        return .standard
    }

    private func database(
        _ file: FileConfiguration, beside path: String?, problems: inout [ConfigurationProblem]
    ) -> String? {
        if let flag = flags.database, !flag.isEmpty { return flag }
        if let named = named("ORGLOOP_QUEUE_DATABASE") { return named }
        if let database = file.database { return resolved(database, beside: path) }
        if let directory = Self.stateDirectory(environment) { return directory + "/queue.db" }
        problems.append(
            ConfigurationProblem(
                origin: .name("HOME"), key: "", problem: "is not set, so the database has no default place",
                allowed: "name the file with --database"))
        return nil
    }

    private func standardSources(problems: inout [ConfigurationProblem]) -> [SourceConfiguration] {
        let variable = "CLAUDE_CODE_WEBHOOK_SECRET"
        var verification = Verification.none(outright: false)
        if let text = environment[variable] {
            if let secret = Secret(text) {
                verification = .secret(Connector.claudeCode.schemes, [secret])
            } else {
                problems.append(
                    ConfigurationProblem(
                        origin: .name(variable), key: "", problem: "is set but empty",
                        allowed: "give it the secret that the sender signs with, or unset it"))
            }
        }
        guard let id = Source.ID("claude-code") else { return [] }
        return [
            SourceConfiguration(
                id: id, connector: .claudeCode, kind: .claudeCode(.sessionExited),
                verification: verification, bufferDirectory: nil, origin: nil)
        ]
    }

    /// Unsigned requests from other machines have to be wanted in so many words.
    private static func unsigned(
        _ sources: [SourceConfiguration], on listen: ListenAddress
    ) -> [ConfigurationProblem] {
        guard !listen.isLoopback else { return [] }
        return sources.compactMap { source in
            guard case .none(outright: false) = source.verification else { return nil }
            return ConfigurationProblem(
                origin: source.origin ?? .name("CLAUDE_CODE_WEBHOOK_SECRET"), key: "",
                problem: "source \(source.id) has no secret, and \(listen) is reachable from other machines",
                allowed: "set a secret, say 'scheme: none' outright in its config, or listen on 127.0.0.1")
        }
    }

    private func named(_ variable: String) -> String? {
        environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func resolved(_ path: String, beside file: String?) -> String {
        Self.resolved(path, beside: file, home: environment["HOME"])
    }

    /// A path in a file is relative to that file, and `~/` is the home directory.
    static func resolved(_ path: String, beside file: String?, home: String?) -> String {
        if path.hasPrefix("~/"), let home { return home + path.dropFirst() }
        guard !path.hasPrefix("/"), let file else { return path }
        return directory(of: file) + "/" + path
    }
}
