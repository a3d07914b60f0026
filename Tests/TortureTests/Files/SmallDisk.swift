import EndToEndSupport
import Foundation

/// A service whose database lies on a file system of some megabytes, which only the service sees.
struct SmallDisk: Sendable {
    private static let sizeBytes = 12 << 20

    let service: ServiceProcess
    private let directory: String

    /// Whether this user may mount a file system of its own.
    static func isPossible() async -> Bool {
        guard let unshare = try? Tool.path("unshare"), let scratch = try? Scratch(),
            let run = try? ChildProcess(
                unshare, ["-m", "mount", "-t", "tmpfs", "tmpfs", scratch.path], in: scratch)
        else { return false }
        return await run.waitForExit() == 0
    }

    /// - Parameters:
    ///   - options: Of mount(8).
    ///   - freeBytesMin: What the service refuses to go below.
    init(freeBytesMin: Int = 0, options: String = "rw") async throws {
        let scratch = try Scratch()
        let mountPoint = scratch.path + "/small"
        for path in [mountPoint, scratch.state] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try scratch.write(
            """
            token_file: \(scratch.state)/token
            sources:
              - id: claude-code
                connector: "@orgloop/connector-claude-code"
            limits: { free_bytes_min: \(freeBytesMin) }
            """, to: "small.yaml")
        let mount = "mount -t tmpfs -o size=\(Self.sizeBytes),mode=700,\(options) tmpfs \(mountPoint)"
        service = try await ServiceProcess.start(
            in: scratch, ["--config", "small.yaml", "--database", mountPoint + "/queue.db"],
            tracer: ["unshare", "-m", "sh", "-c", "\(mount) && exec \"$0\" \"$@\""])
        directory = "/proc/\(service.processID)/root" + mountPoint
    }

    private var filler: String { directory + "/filler" }

    /// Takes all room but `bytes`.
    func fill(leaving bytes: Int) async throws {
        let free = try FileManager.default.attributesOfFileSystem(forPath: directory)[.systemFreeSize] as? Int ?? 0
        let fill = try ChildProcess(
            "/bin/sh", ["-c", "head -c \(max(0, free - bytes)) /dev/zero > \(filler)"], in: service.scratch)
        _ = await fill.waitForExit()
    }

    /// Gives the room back.
    func free() throws { try FileManager.default.removeItem(atPath: filler) }

    /// Kills the service and saves what it had, before its file system is gone with it.
    func rescue() async throws -> Scratch {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: true)
        // Nothing moves while it is copied, as in a kill.
        service.child.send(signal: SIGSTOP)
        for name in ["queue.db", "queue.db-wal"] {
            try FileManager.default.copyItem(atPath: directory + "/" + name, toPath: scratch.state + "/" + name)
        }
        await service.kill()
        return scratch
    }
}
