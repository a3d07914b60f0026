import Foundation

/// Another program that was run to its end.
struct ProgramRun {
    let status: Int32
    /// What it wrote, to either stream, without the line ends around it.
    let output: String

    /// Runs `words`, the first of which is looked up in `PATH`.
    ///
    /// - Returns: `nil` when there is no such program.
    static func run(_ words: [String], _ environment: [String: String]) -> ProgramRun? {
        guard let path = find(words[0], environment) else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: path)
        process.arguments = Array(words.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        guard (try? process.run()) != nil else { return nil }
        try? pipe.fileHandleForWriting.close()
        let data = (try? pipe.fileHandleForReading.readToEnd()) ?? Data()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return ProgramRun(status: process.terminationStatus, output: text)
    }

    private static func find(_ name: String, _ environment: [String: String]) -> String? {
        let directories = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return directories.map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile(atPath:))
    }
}
