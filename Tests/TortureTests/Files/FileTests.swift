import EndToEndSupport
import EventQueueHTTP
import Foundation
import Testing

extension TortureTests {
    /// File systems and tables of files that are full.
    ///
    /// A file renamed, replaced or removed, a forgotten reader, a foreign writer, a flipped byte and a second
    /// instance have their tests beside what they break: ServiceTests, DurabilityTests, WriteRuleTests, StartTests.
    @Suite(.timeLimit(.minutes(5)), .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
    struct FileTests {
        @Test(
            .enabled("this user may not mount a file system of its own") { await SmallDisk.isPossible() },
            arguments: [0, 4 << 20])
        func `a full disk refuses senders until there is room again, with bytes kept free:`(
            _ freeBytesMin: Int
        ) async throws {
            let disk = try await SmallDisk(freeBytesMin: freeBytesMin)
            let service = disk.service
            var judgement = Judgement()
            var witness = Witness()
            #expect(await witness.append("before", to: service) == .done)
            try await disk.fill(leaving: freeBytesMin / 2)
            var refusals: [Answer] = []
            for number in 1...100 where refusals.count < 3 {
                let answer = await witness.append("full-\(number)", summaryBytes: 20_000, to: service)
                if answer != .done { refusals.append(answer) }
            }
            let refusal = Answer.refused(status: 503, code: "Disk full", retryAfter: true)
            if refusals != [refusal, refusal, refusal] { judgement.note("on a full disk: \(refusals)") }
            #expect(try await service.client().send("GET", "/health").status == 200)
            // What drains a full queue needs the room that was kept.
            if freeBytesMin > 0 { #expect(await witness.poll(service, limit: 100) == .done) }
            try disk.free()
            if await witness.append("after", to: service) != .done { judgement.note("it did not recover") }
            let scratch = try await disk.rescue()
            let verdict = await Aftermath.judge(witness, retrying: [.append], in: scratch, judgement)
            TortureTable.add(.file, "a full disk, \(freeBytesMin) bytes kept free", [verdict])
        }

        @Test(.enabled("this user may not mount a file system of its own") { await SmallDisk.isPossible() })
        func `a read-only file system is refused at the start, with what to do`() async throws {
            let end = await #expect(throws: ServiceProcess.NotStarted.self) {
                _ = try await SmallDisk(options: "ro")
            }
            #expect(end?.status == 1)
            #expect(end?.error.contains("ead-only") == true, "\(end?.error ?? "")")
        }

        @Test(
            .enabled(if: Tool.has("prlimit"), "prlimit is not installed"),
            .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fd"), "there is no /proc"))
        func `a service without a file descriptor left keeps what it has, and answers when it gets one`()
            async throws
        {
            let service = try await ServiceProcess.start(in: Scratch())
            var judgement = Judgement()
            var witness = Witness()
            #expect(await witness.append("before", to: service) == .done)
            // The limit is on their numbers, and the first three are taken for good.
            try await Self.limit(service, "3:")
            // The kernel takes the connection, and nobody can accept it.
            let client = try service.client()
            let unheard = try? await client.send("GET", "/health", timeout: .milliseconds(300))
            #expect(unheard == nil, "a descriptor was left")
            try await Self.limit(service, "4096:")
            if await witness.append("after", to: service) != .done { judgement.note("it did not recover") }
            await service.kill()
            let verdict = await Aftermath.judge(witness, retrying: [.append], in: service.scratch, judgement)
            TortureTable.add(.file, "no descriptor left", [verdict])
        }

        private static func limit(_ service: ServiceProcess, _ descriptors: String) async throws {
            let limit = try ChildProcess(
                Tool.path("prlimit"), ["--pid", "\(service.processID)", "--nofile=\(descriptors)"],
                in: service.scratch)
            #expect(await limit.waitForExit() == 0)
        }
    }
}
