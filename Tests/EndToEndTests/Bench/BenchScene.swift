import Foundation

/// The command `bench` with a directory of its own, in which it must leave nothing.
struct BenchScene {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var directory: String { scratch.path + "/bench" }

    /// The arguments of a bench that works in the directory.
    func arguments(_ arguments: [String]) throws -> [String] {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return ["bench"] + arguments + ["--directory", directory]
    }

    func run(_ arguments: [String]) async throws -> Binary.Result {
        try await Binary.run(self.arguments(arguments), in: scratch)
    }

    /// What a bench said to its user beside what a debug build, a directory in memory and a slow generator call for.
    static func unexpectedWords(_ run: Binary.Result) -> [Substring] {
        let expected = ["debug build", "the directory is in memory", "the load generator was busy"]
        return run.error.split(separator: "\n").filter { line in !expected.contains { line.contains($0) } }
    }

    /// What is in the directory.
    var left: [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] }

    /// The one scratch directory of a bench that runs, once a file of this name is in it.
    func directory(having name: String) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let found = left.first.map({ "\(directory)/\($0)" }),
                FileManager.default.fileExists(atPath: "\(found)/\(name)")
            {
                return found
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Unexpected("no \(name) in \(left)")
    }

    /// The processes that were started with a path in the directory, as Linux tells them.
    var processes: [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { Int($0) != nil }.compactMap {
            try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)
        }
        .filter { $0.contains(directory + "/") }
    }
}
