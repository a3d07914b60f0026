import Foundation
import Testing

/// What a 200 means on the disk, seen from outside.
@Suite(.timeLimit(.minutes(2))) struct DurabilityTests {
    @Test(.enabled(if: Tool.has("strace"), "strace is not installed"))
    func `every acknowledged POST of a sequence has reached the disk with a sync of its own`() async throws {
        let scratch = try Scratch()
        let trace = scratch.path + "/trace"
        let service = try await ServiceProcess.start(
            in: scratch, tracer: ["strace", "-f", "-e", "trace=fdatasync,fsync", "-o", trace])
        func syncs() throws -> Int {
            try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
                .count { $0.contains("sync(") && !$0.contains("unfinished") || $0.contains("sync resumed") }
        }
        let before = try syncs()
        let sent = try await service.run(["send", "claude-code", "--count", "20"])
        #expect(sent.status == 0)
        #expect(try syncs() - before >= 20)
        await service.stop()
    }
}
