import Foundation

/// The settings files in which Claude Code looks for hooks.
enum HookPlace: String, Sendable, CaseIterable {
    /// Of this user, in every project.
    case user
    /// Of the project in the current directory, shared with others.
    case project
    /// Of the project in the current directory, for this user.
    case local

    /// Its path; `nil` for the user's without a home.
    func path(home: String?) -> String? {
        switch self {
        case .user: home.flatMap { $0.isEmpty ? nil : $0 + "/.claude/settings.json" }
        case .project: ".claude/settings.json"
        case .local: ".claude/settings.local.json"
        }
    }
}

/// This program, as another program is to call it.
enum ThisProgram {
    /// Its absolute path.
    ///
    /// Links are kept: a package manager's link outlives an upgrade, the file behind it does not.
    static func path(_ arguments: [String], _ environment: [String: String]) throws -> String {
        let name = arguments.first ?? ""
        let manager = FileManager.default
        let candidates =
            name.contains("/")
            ? [name] : (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
        let own = try? manager.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let found = candidates.first(where: manager.isExecutableFile(atPath:)) ?? own
        guard let found, let path = absolute(found) else {
            throw CommandFailure(
                message: "cannot tell where this program is", mend: "Run it by its absolute path.")
        }
        guard path.hasSuffix("/" + HookRecogniser.programName) else {
            throw CommandFailure(
                message: "\(path) is not called \(HookRecogniser.programName), so what it installs would not be known",
                mend: "Give it that name.")
        }
        return path
    }

    /// What is to be said about the place of the program.
    static func notice(_ path: String) -> String? {
        path.contains("/.build/")
            ? "\(path) is in a build directory; install again once the program has a place that stays" : nil
    }

    /// A path that means the same in every directory; `nil` when the current one is gone.
    static func absolute(_ path: String) -> String? {
        guard !path.hasPrefix("/") else { return path }
        let directory = FileManager.default.currentDirectoryPath
        guard !directory.isEmpty else { return nil }
        return directory + "/" + path.trimmingPrefix("./")
    }
}
