import EventQueueServiceFiles
import Foundation

/// Puts the service file in its place, and has the service manager act on it.
struct ServiceInstaller {
    /// What became of the file.
    enum FileChange: String, Sendable { case written, replaced, unchanged, removed, absent }

    /// What became of the service.
    enum Start: Sendable, Equatable {
        case running
        /// It was not asked for, or the manager cannot be asked; these commands do it.
        case left([[String]])
    }

    let manager: ServiceManager

    /// Service files are written by hand or by us; more than this is none.
    private static let bytesMax = 1 << 20

    /// Writes the file unless it is there already.
    ///
    /// - Parameter isForced: Whether a file of somebody else may be replaced.
    func write(_ text: String, isForced: Bool) throws -> FileChange {
        let path = try manager.path()
        let present = try read(path)
        if let present, !isOurs(present), !isForced {
            throw CommandFailure(
                message: "\(path) is there and was not written by orgloop-queue",
                mend: "Look at it, then move it away or replace it with --force.")
        }
        let content = Array(text.utf8)
        guard present != content else { return .unchanged }
        do {
            // The manager and whoever looks for the service may read it; it holds no secret.
            let directory = ConfigurationLoader.directory(of: path)
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            try PrivateFile.replace(path, with: content)
            guard chmod(path, 0o644) == 0 else { throw PrivateFile.Failure("change the mode of", path) }
        } catch {
            let reason = (error as? PrivateFile.Failure)?.message ?? "cannot write \(path)"
            throw CommandFailure(message: reason, mend: Self.mend(manager.scope))
        }
        return present == nil ? .written : .replaced
    }

    /// Starts the service, or says what would.
    func start(after change: FileChange) throws -> Start {
        let path = try manager.path()
        // Only what runs with another file than it was started from has to be started again.
        let isUpdate = change == .replaced && manager.standing().isActive
        let commands = manager.startCommands(path, isUpdate: isUpdate)
        guard manager.isReachable else { return .left(commands) }
        if manager.kind == .launchd, change == .unchanged, manager.standing().isActive { return .running }
        for command in commands {
            let run = manager.run(command)
            guard run?.status == 0 else {
                throw CommandFailure(
                    message:
                        "`\(command.joined(separator: " "))` failed: \(run?.output.printable ?? "no such program")",
                    mend: "The file is in its place. Look at the log: \(manager.logCommand)")
            }
        }
        return .running
    }

    /// Stops the service and removes its file.
    ///
    /// - Returns: What became of the file, and what the manager could not be told.
    func remove(isForced: Bool) throws -> (change: FileChange, left: [[String]]) {
        let path = try manager.path()
        guard let present = try read(path) else { return (.absent, []) }
        guard isOurs(present) || isForced else {
            throw CommandFailure(
                message: "\(path) was not written by orgloop-queue", mend: "Look at it, then remove it with --force.")
        }
        let isReachable = manager.isReachable
        if isReachable, let failed = manager.stopCommands.lazy.compactMap(failure).first {
            throw CommandFailure(message: failed, mend: "Nothing was removed. Stop the service, then try again.")
        }
        guard unlink(path) == 0 else {
            throw CommandFailure(message: PrivateFile.Failure("remove", path).message, mend: Self.mend(manager.scope))
        }
        guard isReachable else { return (.removed, manager.stopCommands + manager.forgetCommands) }
        for command in manager.forgetCommands { _ = manager.run(command) }
        return (.removed, [])
    }

    /// Whether the file is in its place, and ours.
    func isInstalled() throws -> Bool { try read(manager.path()).map(isOurs) ?? false }

    private func failure(_ command: [String]) -> String? {
        // What is not loaded is stopped, too.
        let run = manager.run(command)
        guard run?.status != 0, manager.standing().isActive else { return nil }
        return "`\(command.joined(separator: " "))` failed: \(run?.output.printable ?? "no such program")"
    }

    private func read(_ path: String) throws -> [UInt8]? {
        do {
            return try PrivateFile.read(path, bytesMax: Self.bytesMax)
        } catch {
            throw CommandFailure(message: error.message, mend: Self.mend(manager.scope))
        }
    }

    private func isOurs(_ content: [UInt8]) -> Bool {
        String(decoding: content, as: UTF8.self).contains(ServiceFiles.mark)
    }

    private static func mend(_ scope: ServiceScope) -> String {
        scope == .system ? "Run this as root (sudo), or install for yourself with --user." : "Check that directory."
    }
}
