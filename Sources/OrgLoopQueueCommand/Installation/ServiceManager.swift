import EventQueueServiceFiles
import Foundation

/// What starts the service at boot and again after a failure.
struct ServiceManager {
    enum Kind: String, Sendable {
        case systemd, launchd

        /// The one of this operating system.
        static var here: Kind {
            #if os(macOS)
                .launchd
            #else
                .systemd
            #endif
        }
    }

    /// What it says of the service.
    struct Standing {
        /// Whether the manager can be asked at all.
        let isReachable: Bool
        let isEnabled: Bool
        let isActive: Bool
        /// In the manager's own word.
        let word: String
    }

    let kind: Kind
    let scope: ServiceScope
    let environment: [String: String]

    private static let unit = "orgloop-queue.service"

    /// Where its file goes.
    func path() throws -> String {
        switch (kind, scope) {
        case (.systemd, .system): "/etc/systemd/system/\(Self.unit)"
        case (.systemd, .user): try configurationHome() + "/systemd/user/\(Self.unit)"
        case (.launchd, .system): "/Library/LaunchDaemons/\(LaunchdList.label).plist"
        case (.launchd, .user): try home() + "/Library/LaunchAgents/\(LaunchdList.label).plist"
        }
    }

    /// The content of that file.
    func text(_ plan: ServicePlan) throws -> String {
        switch (kind, scope) {
        case (.systemd, _): SystemdUnit(plan).text
        case (.launchd, .system): LaunchdList.text(plan, log: "/Library/Logs/orgloop-queue.log")
        case (.launchd, .user): LaunchdList.text(plan, log: try home() + "/Library/Logs/orgloop-queue.log")
        }
    }

    /// The file with the service's secrets; `nil` where the manager reads none.
    func environmentFile() throws -> EnvironmentFile? {
        guard kind == .systemd else { return nil }
        let directory = scope == .system ? "/etc" : try configurationHome()
        return EnvironmentFile(directory + "/orgloop-queue/environment")
    }

    // MARK: Commands

    /// What makes the manager read a file that is new or changed, and start the service now and at boot.
    func startCommands(_ path: String, isUpdate: Bool) -> [[String]] {
        switch kind {
        case .systemd:
            [systemctl("daemon-reload"), systemctl("enable", "--now", Self.unit)]
                + (isUpdate ? [systemctl("restart", Self.unit)] : [])
        case .launchd:
            (isUpdate ? [["launchctl", "bootout", "\(domain)/\(LaunchdList.label)"]] : [])
                + [["launchctl", "bootstrap", domain, path]]
        }
    }

    /// What stops the service, now and at boot.
    var stopCommands: [[String]] {
        switch kind {
        case .systemd: [systemctl("disable", "--now", Self.unit)]
        case .launchd: [["launchctl", "bootout", "\(domain)/\(LaunchdList.label)"]]
        }
    }

    /// What makes the manager forget a file that is gone.
    var forgetCommands: [[String]] { kind == .systemd ? [systemctl("daemon-reload")] : [] }

    /// How its log is read.
    var logCommand: String {
        switch (kind, scope) {
        case (.systemd, .user): "journalctl --user -u orgloop-queue"
        case (.systemd, .system): "journalctl -u orgloop-queue"
        case (.launchd, .user): "tail ~/Library/Logs/orgloop-queue.log"
        case (.launchd, .system): "tail /Library/Logs/orgloop-queue.log"
        }
    }

    /// Asks the manager about the service.
    func standing() -> Standing {
        switch kind {
        case .systemd:
            guard isReachable else { return .unknown }
            let enabled = run(systemctl("is-enabled", Self.unit))
            let active = run(systemctl("is-active", Self.unit))
            return Standing(
                isReachable: true, isEnabled: enabled?.status == 0, isActive: active?.status == 0,
                word: active?.output ?? "unknown")
        case .launchd:
            guard let answer = run(["launchctl", "print", "\(domain)/\(LaunchdList.label)"]) else { return .unknown }
            let isRunning = answer.status == 0 && answer.output.contains("state = running")
            return Standing(
                isReachable: true, isEnabled: answer.status == 0, isActive: isRunning,
                word: isRunning ? "running" : answer.status == 0 ? "loaded" : "not loaded")
        }
    }

    /// Whether the manager answers: in a container there may be its programs and no manager.
    var isReachable: Bool {
        switch kind {
        case .systemd: run(systemctl("show-environment"))?.status == 0
        case .launchd: run(["launchctl", "print", domain])?.status == 0
        }
    }

    func run(_ words: [String]) -> ProgramRun? { ProgramRun.run(words, environment) }

    private func systemctl(_ words: String...) -> [String] {
        ["systemctl"] + (scope == .user ? ["--user"] : []) + words
    }

    private var domain: String { scope == .system ? "system" : "gui/\(getuid())" }

    private func home() throws -> String {
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw CommandFailure(
                message: "HOME is not set, so there is no place for the service file", mend: "Set HOME.")
        }
        return home
    }

    private func configurationHome() throws -> String {
        // The XDG specification: a relative path is invalid and to be ignored.
        if let path = environment["XDG_CONFIG_HOME"], path.hasPrefix("/") { return path }
        return try home() + "/.config"
    }
}

extension ServiceManager.Standing {
    static let unknown = Self(isReachable: false, isEnabled: false, isActive: false, word: "unknown")
}
