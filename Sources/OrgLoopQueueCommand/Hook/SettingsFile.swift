import Foundation

/// A settings file of Claude Code on disk: read whole, replaced whole, with a backup before.
struct SettingsFile {
    /// As it was named.
    let path: String
    /// What it holds; `nil` when there is none.
    let content: [UInt8]?
    /// The file behind the links: people keep their settings in a repository and link to it.
    private let target: String

    /// Settings are written by people and by Claude Code; more than this is another file given by mistake.
    private static let bytesMax = 1 << 20
    /// As many as the kernel follows.
    private static let linksMax = 40
    /// More different backups than anybody compares.
    private static let backupsMax = 99

    /// - Throws: ``CommandFailure`` when there is something that cannot be read.
    init(_ path: String) throws {
        self.path = path
        target = try Self.resolve(path)
        content = try Self.read(target)
    }

    /// Its text.
    ///
    /// - Throws: ``CommandFailure`` with the place where it is not strict JSON.
    func text() throws -> SettingsText {
        do { return try SettingsText(content) } catch { throw failure(error) }
    }

    /// A problem of its text, with its name before it.
    func failure(_ problem: SettingsText.Problem) -> CommandFailure {
        CommandFailure(
            message: "\(path):\(problem.line):\(problem.column): \(problem.message)", mend: problem.mend)
    }

    /// Puts `bytes` in the place of its content.
    ///
    /// - Returns: The backup that has the content from before; `nil` when there was none to keep.
    func replace(with bytes: [UInt8]) throws -> String? {
        let backup = try keep()
        do {
            try PrivateFile.makeDirectory(ConfigurationLoader.directory(of: target))
            try PrivateFile.replace(target, with: bytes, like: content == nil ? nil : target)
        } catch {
            throw CommandFailure(message: error.message, mend: "The file is as it was.")
        }
        return backup
    }

    /// Copies the content beside the file, unless a copy is there already.
    private func keep() throws -> String? {
        guard let content, !content.isEmpty else { return nil }
        for number in 1...Self.backupsMax {
            let backup = path + ".orgloop-queue-backup" + (number == 1 ? "" : "-\(number)")
            if let kept = try Self.read(backup) {
                if kept == content { return backup }
                continue
            }
            do {
                try PrivateFile.replace(backup, with: content, like: target)
            } catch {
                throw CommandFailure(message: error.message, mend: "Without a backup nothing is changed.")
            }
            return backup
        }
        throw CommandFailure(
            message: "\(path) has \(Self.backupsMax) backups of orgloop-queue beside it", mend: "Remove some.")
    }

    private static func resolve(_ path: String) throws -> String {
        var path = path
        for _ in 0..<linksMax {
            // A link may lead to a file that is not there yet.
            guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
            path = link.hasPrefix("/") ? link : ConfigurationLoader.directory(of: path) + "/" + link
        }
        throw CommandFailure(message: "\(path) is a link that leads nowhere", mend: "Mend the link.")
    }

    private static func read(_ path: String) throws -> [UInt8]? {
        let content: [UInt8]?
        do {
            content = try PrivateFile.read(path, bytesMax: bytesMax + 1)
        } catch {
            throw CommandFailure(message: error.message, mend: "Run this as the user of Claude Code.")
        }
        guard content?.count ?? 0 <= bytesMax else {
            throw CommandFailure(
                message: "\(path) is larger than \(StatusReport.size(Int64(bytesMax))): these are no settings",
                mend: "Name the settings file of Claude Code.")
        }
        return content
    }
}
