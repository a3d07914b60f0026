import Foundation

/// What figures depend on beside what is measured.
struct BenchMachine: Sendable {
    let isRelease: Bool
    let cores: Int
    /// The kind of the file system of the directory that is measured; unknown where nothing tells it.
    let fileSystem: String?

    /// - Parameter directory: `nil` when what is measured runs already, on a disk of its own.
    init(measuring directory: String?) {
        #if DEBUG
            isRelease = false
        #else
            isRelease = true
        #endif
        cores = ProcessInfo.processInfo.activeProcessorCount
        // statfs(2) would do, but Swift's Glibc module does not have it; other systems have no such table.
        let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        fileSystem = directory.flatMap { directory in
            mounts.flatMap {
                Self.fileSystem(of: URL(fileURLWithPath: directory).resolvingSymlinksInPath().path, mounts: $0)
            }
        }
    }

    init(isRelease: Bool, cores: Int, fileSystem: String?) {
        self.isRelease = isRelease
        self.cores = cores
        self.fileSystem = fileSystem
    }

    /// Members of the JSON object of a bench.
    var members: [(String, String)] {
        [
            ("version", JSONOutput.quoted(OrgLoopQueue.version)),
            ("build", JSONOutput.quoted(isRelease ? "release" : "debug")), ("cores", "\(cores)"),
            ("file_system", fileSystem.map(JSONOutput.quoted) ?? "null"),
        ]
    }

    /// Why the figures would mislead, a line each.
    var warnings: [String] {
        var warnings: [String] = []
        if !isRelease { warnings.append("this is a debug build, which is several times slower than a release") }
        if let fileSystem, ["tmpfs", "ramfs"].contains(fileSystem) {
            warnings.append("the directory is in memory (\(fileSystem)), where nothing is ever synced")
        }
        return warnings
    }

    func warn() {
        for warning in warnings { StandardStream.error.say("orgloop-queue: \(warning)") }
    }

    /// The kind of the mount that `path` is on, by a table as in proc(5), /proc/pid/mountinfo.
    static func fileSystem(of path: String, mounts: String) -> String? {
        var best: (point: String, kind: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            // The kernel writes a space in a mount point as three octal digits.
            let point = fields[4].replacingOccurrences(of: #"\040"#, with: " ")
            guard point == "/" || path == point || path.hasPrefix(point + "/") else { continue }
            // Of two mounts on one point the later hides the earlier.
            if point.utf8.count >= best?.point.utf8.count ?? 0 { best = (point, String(fields[dash + 1])) }
        }
        return best?.kind
    }
}
