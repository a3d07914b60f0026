import ArgumentParser
import Foundation

/// Which settings file a hook verb is about, and which service it sends to.
struct HookOptions: ParsableArguments {
    @Argument(help: "Settings file of Claude Code (default: as --user).")
    var settingsFile: String?

    @Flag(help: "The settings of this user: ~/.claude/settings.json.")
    var user = false

    @Flag(help: "The settings of the project here: .claude/settings.json.")
    var project = false

    @Flag(help: "Your own settings of the project here: .claude/settings.local.json.")
    var local = false

    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "URL of the service (default: as configured). Environment: ORGLOOP_QUEUE_URL.")
    var url: String?

    func validate() throws {
        guard chosen.count + (settingsFile == nil ? 0 : 1) <= 1 else {
            throw ValidationError("Name one of SETTINGS_FILE, --user, --project and --local.")
        }
        guard settingsFile?.isEmpty != true else { throw ValidationError("SETTINGS_FILE is the name of a file.") }
    }

    /// The places that were chosen by flag.
    var chosen: [HookPlace] {
        [(user, HookPlace.user), (project, .project), (local, .local)].filter(\.0).map(\.1)
    }

    /// The one file to change.
    func path(_ environment: [String: String]) throws -> String {
        if let settingsFile { return settingsFile }
        guard let path = (chosen.first ?? .user).path(home: environment["HOME"]) else {
            throw CommandFailure(
                message: "HOME is not set, so the settings of the user have no place",
                mend: "Name the settings file.")
        }
        return path
    }

    /// The URL of the service, and what is wrong with the configuration that should tell it.
    func service(_ environment: [String: String]) -> (url: String, notice: String?) {
        let named = url ?? environment["ORGLOOP_QUEUE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let standard = named ?? ListenAddress.standard.localURL
        do {
            let configuration = try configuration.loadPlaces()
            return (Self.trimmed(named ?? configuration.listen.localURL), nil)
        } catch {
            // Secrets may be known to the service only; the hook is installed all the same.
            let problem = (error as? ConfigurationFailure)?.problems.first.map { "\($0)" } ?? "\(error)"
            return (Self.trimmed(standard), "the configuration cannot be used from here: \(problem)")
        }
    }

    private static func trimmed(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}
