import Foundation
import ServiceLifecycle
import Synchronization
import Testing

@testable import OrgLoopQueueCommand

/// What the service tells the manager that started it, over a real socket.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct SupervisorTests {
    @Test func `readiness comes with the ready line, the watchdog while it serves, and the stop with SIGTERM`()
        async throws
    {
        let scratch = try Scratch()
        let socket = try NotifySocket(scratch.path + "/notify")
        let service = try await ServiceProcess.start(
            in: scratch, environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "100000"])
        // The first watchdog message may overtake the readiness; a manager takes them in any order.
        var first = await socket.receive()
        while first == "WATCHDOG=1" { first = await socket.receive() }
        #expect(first == "READY=1\nSTATUS=ready on \(service.url)")
        for _ in 0..<5 { #expect(await socket.receive() == "WATCHDOG=1") }
        #expect(await service.stop() == 0)
        var last = await socket.receive()
        while last == "WATCHDOG=1" { last = await socket.receive() }
        #expect(last == "STOPPING=1\nSTATUS=stopping")
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fd"), "only Linux has abstract sockets"))
    func `a socket in the abstract name space is reached, too`() async throws {
        let socket = try NotifySocket("@orgloop-queue-" + UUID().uuidString)
        let service = try await ServiceProcess.start(in: Scratch(), environment: ["NOTIFY_SOCKET": socket.name])
        #expect(await socket.receive()?.hasPrefix("READY=1\n") == true)
        await service.stop()
        // Nobody asked for a watchdog, so the next message is the last.
        #expect(await socket.receive()?.hasPrefix("STOPPING=1\n") == true)
    }

    @Test func `a service that cannot start never says that it is ready`() async throws {
        let scratch = try Scratch()
        let socket = try NotifySocket(scratch.path + "/notify")
        try scratch.write("this is no database", to: "garbage.db")
        let run = try await Binary.run(
            ["serve", "--listen", "127.0.0.1:0", "--database", "garbage.db"], in: scratch,
            environment: ["NOTIFY_SOCKET": socket.name])
        #expect(run.status == 1)
        #expect(await socket.receive(within: 0.1) == nil)
    }

    @Test(arguments: ["/nobody/listens/here", "@nobody-listens-here", "vsock:2:1", "relative", "@", ""])
    func `a manager that cannot be reached does not keep the service from serving`(_ name: String) async throws {
        let service = try await ServiceProcess.start(
            in: Scratch(), environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "10000"])
        #expect(try await service.run(["send", "claude-code"]).status == 0)
        #expect(await service.stop() == 0)
    }

    static let environments: [([String: String], Duration?)] = [
        (["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "3000000"], .seconds(3)),
        (["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"], .seconds(3)),
        (["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"], nil),
        (["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "0"], nil), (["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "x"], nil),
        (["NOTIFY_SOCKET": "/n"], nil), (["WATCHDOG_USEC": "3000000"], nil),
    ]

    @Test(arguments: environments.indices)
    func `the watchdog is wanted when its interval and its process are ours`(_ index: Int) {
        let (environment, interval) = Self.environments[index]
        #expect(Supervisor(environment, processID: 7).watchdog == interval)
    }

    @Test func `a store that does not answer keeps the watchdog silent`() async throws {
        let scratch = try Scratch()
        let socket = try NotifySocket(scratch.path + "/notify")
        let supervisor = Supervisor(["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "1000"], processID: 7)
        let (answers, answer) = AsyncStream.makeStream(of: Void.self)
        let (questions, question) = AsyncStream.makeStream(of: Void.self)
        let watchdog = Watchdog(supervisor: supervisor) {
            question.yield()
            var iterator = answers.makeAsyncIterator()
            _ = await iterator.next()
        }
        let task = Task { try await watchdog.run() }
        var asked = questions.makeAsyncIterator()
        for _ in 0..<3 {
            await asked.next()
            // Asked and not answered: many intervals pass without a message.
            #expect(await socket.receive(within: 0.1) == nil)
            answer.yield()
            #expect(await socket.receive() == "WATCHDOG=1")
        }
        task.cancel()
        answer.finish()
        question.finish()
        try await task.value
    }

    @Test func `a store that fails to answer is not vouched for`() async throws {
        struct Gone: Error {}
        let scratch = try Scratch()
        let socket = try NotifySocket(scratch.path + "/notify")
        let supervisor = Supervisor(["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "1000"], processID: 7)
        let asked = Mutex(0)
        let task = Task {
            try await Watchdog(supervisor: supervisor) {
                // The fourth time it is there again.
                guard
                    asked.withLock({ count in
                        count += 1; return count > 3
                    })
                else { throw Gone() }
            }.run()
        }
        #expect(await socket.receive() == "WATCHDOG=1")
        #expect(asked.withLock(\.self) >= 4)
        task.cancel()
        try await task.value
    }

    /// A tracer may join a running process as root, or where the kernel lets everybody (ptrace(2), Yama).
    private static let canAttach =
        Tool.has("strace")
        && (geteuid() == 0
            || FileManager.default.contents(atPath: "/proc/sys/kernel/yama/ptrace_scope").map { $0.first == 0x30 }
                ?? true)

    @Test(.enabled(if: canAttach, "strace is not installed, or may not join a running process"))
    func `a writer that hangs in the disk silences the watchdog of the real service`() async throws {
        let scratch = try Scratch()
        let socket = try NotifySocket(scratch.path + "/notify")
        let service = try await ServiceProcess.start(
            in: scratch, environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "200000"])
        let minute = "inject=fdatasync,fsync:delay_enter=60000000"
        let tracer = try ChildProcess(
            Tool.path("strace"),
            ["-f", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", minute, "-p", "\(service.processID)"],
            in: scratch)
        // Messages keep coming while the tracer joins; each is a turn of the wait for it.
        var turns = 0
        while !tracer.standardError.contains("attached"), turns < 200 {
            #expect(await socket.receive() != nil)
            turns += 1
        }
        let sender = try ChildProcess(
            Binary.path(), ["send", "claude-code", "--url", service.url], in: scratch)
        while await socket.receive(within: 2) != nil, turns < 400 { turns += 1 }
        #expect(turns < 400, "the watchdog was told for 20 s that a writer lives whose commit hangs")
        // Before the service: what is traced cannot be ended.
        for child in [tracer, sender] {
            child.send(signal: SIGKILL)
            _ = await child.waitForExit()
        }
        await service.kill()
    }
}
