import EventQueue
import Foundation

/// Where `poll` keeps what it presents next.
struct CheckpointFile {
    let path: String

    /// `poll-<consumer>-<source>.checkpoint` in the state directory, else beside the database.
    static func path(for cursor: Cursor.Key, _ configuration: ServiceConfiguration) -> String {
        let directory =
            ConfigurationLoader.stateDirectory(ProcessInfo.processInfo.environment)
            ?? ConfigurationLoader.directory(of: configuration.database)
        return "\(directory)/poll-\(cursor.consumer)-\(cursor.source).checkpoint"
    }

    func load() throws -> String? {
        do {
            guard let content = try PrivateFile.read(path) else { return nil }
            let text = String(decoding: content, as: UTF8.self).trimmingCharacters(
                in: .whitespacesAndNewlines)
            return text.isEmpty ? nil : text
        } catch {
            throw CommandFailure(message: error.message, mend: "Name another file with --state.")
        }
    }

    func save(_ checkpoint: String) throws {
        do {
            try PrivateFile.makeDirectory(ConfigurationLoader.directory(of: path))
            try PrivateFile.replace(path, with: Array((checkpoint + "\n").utf8))
        } catch {
            throw CommandFailure(
                message: error.message,
                mend: "The last batch will be printed again. Name another file with --state.")
        }
    }
}
