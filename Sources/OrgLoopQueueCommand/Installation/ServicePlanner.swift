import Foundation

/// Finds out what a service file has to say, and refuses what could not start.
struct ServicePlanner {
    let manager: ServiceManager
    let options: ConfigurationOptions
    let listen: String?
    let account: String?

    /// The user of the system's service unless another is named.
    static let standardAccount = "orgloop-queue"

    /// Reads the configuration as the service will, with its environment and not with this one.
    func plan() throws -> (plan: ServicePlan, notices: [String]) {
        let environment = manager.environment
        let program = try ThisProgram.path(CommandLine.arguments, environment)
        let secrets = try manager.environmentFile()
        let configuration = try load(secrets)
        let database = try absolute(configuration.database)
        let plan = ServicePlan(
            scope: manager.scope, program: program, configurationFile: try configuration.file.map(absolute),
            database: database, tokenFile: try absolute(configuration.tokenFile), listen: listen,
            bufferDirectories: configuration.sources.compactMap(\.bufferDirectory),
            secretFiles: try configuration.sources.compactMap(\.secretFile?.path).map(absolute),
            account: manager.scope == .system ? account ?? Self.standardAccount : nil)
        let paths = plan.words + plan.bufferDirectories + plan.secretFiles
        for path in paths where path.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            throw CommandFailure(
                message: "\(path.printable) has a control character, which no service file can hold",
                mend: "Give it another name.")
        }
        return (plan, notices(plan, configuration, secrets))
    }

    /// Makes the database's directory, where the sandbox lets the service write and not create.
    func prepare(_ plan: ServicePlan) throws {
        guard plan.scope == .system, let account = plan.account else { return }
        guard let entry = getpwnam(account) else {
            throw CommandFailure(
                message: "there is no user \(account) for the service to run as",
                mend: "Make it: useradd --system --home-dir \(ServicePlan.systemState) --shell /usr/sbin/nologin "
                    + "\(account); or name another with --run-as.")
        }
        for directory in plan.writable where directory != ServicePlan.systemState {
            guard !FileManager.default.fileExists(atPath: directory) else { continue }
            do throws(PrivateFile.Failure) {
                try PrivateFile.makeDirectory(directory)
                guard chown(directory, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else {
                    throw PrivateFile.Failure("give \(account) the directory", directory)
                }
            } catch {
                throw CommandFailure(message: error.message, mend: "Run this as root, or use --user.")
            }
        }
    }

    private func load(_ secrets: EnvironmentFile?) throws -> ServiceConfiguration {
        let environment = manager.environment
        func named(_ flag: String?, _ variable: String) throws -> String? {
            try (flag ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }).map(absolute)
        }
        let flags = ConfigurationLoader.Flags(
            config: try named(options.config, "ORGLOOP_QUEUE_CONFIG"),
            database: try named(options.database, "ORGLOOP_QUEUE_DATABASE"), listen: listen, tokenFile: nil)
        var seen = secrets?.variables ?? environment
        seen["HOME"] = environment["HOME"]
        // The same default as everywhere, in the place of the machine's services.
        seen["XDG_STATE_HOME"] = manager.scope == .system ? "/var/lib" : environment["XDG_STATE_HOME"]
        do {
            return try ConfigurationLoader(flags: flags, environment: seen).load()
        } catch {
            if let secrets {
                StandardStream.error.say(
                    "orgloop-queue: the service could not start; it takes variables from \(secrets.path) only")
            }
            throw error
        }
    }

    private func notices(
        _ plan: ServicePlan, _ configuration: ServiceConfiguration, _ secrets: EnvironmentFile?
    ) -> [String] {
        var notices = [ThisProgram.notice(plan.program)].compactMap(\.self) + configuration.notices
        let variable = "CLAUDE_CODE_WEBHOOK_SECRET"
        if let secrets, configuration.file == nil, manager.environment[variable] != nil,
            secrets.variables[variable] == nil
        {
            notices.append("\(variable) is set here, but not for the service: write it to \(secrets.path), mode 600")
        }
        if let secrets, PrivateFile.isExposed(secrets.path) {
            notices.append("\(secrets.path) can be read by others than its owner; chmod 600 it")
        }
        let name = NSUserName()
        if manager.kind == .systemd, manager.scope == .user,
            !FileManager.default.fileExists(atPath: "/var/lib/systemd/linger/\(name)")
        {
            notices.append("it stops when \(name) logs out; to keep it: loginctl enable-linger \(name)")
        }
        return notices
    }

    private func absolute(_ path: String) throws -> String {
        guard let absolute = ThisProgram.absolute(path) else {
            throw CommandFailure(message: "the current directory is gone", mend: "Run this from another one.")
        }
        return absolute
    }
}
