import EndToEndSupport
import Foundation

/// What strikes at a system call.
enum Strike: Sendable, CustomStringConvertible {
    case kill
    /// The call is not made and returns this.
    case error(String)

    var description: String {
        switch self {
        case .kill: "kill"
        case .error(let name): name
        }
    }

    fileprivate var action: String {
        switch self {
        case .kill: "signal=KILL"
        case .error(let name): "error=\(name)"
        }
    }
}

/// One system call of the service: the fault strikes there.
struct Point: Sendable, CustomStringConvertible {
    /// Which calls of that name count.
    enum Scope: Sendable {
        /// Those on the database and its WAL.
        case database
        /// All, those that carry the answer to the caller among them.
        case everything
    }

    let strike: Strike
    let call: String
    let scope: Scope
    /// Counted for each thread, from the moment the tracer is there.
    let number: Int

    var description: String { "\(strike) at \(call) \(number)" }
}

/// strace, which makes the fault happen.
struct Tracer: Sendable {
    private let child: ChildProcess
    private let log: String

    /// Whether strace is there and may join a running process, which is root's right or everybody's (Yama).
    static let canAttach =
        Tool.has("strace")
        && (geteuid() == 0
            || FileManager.default.contents(atPath: "/proc/sys/kernel/yama/ptrace_scope").map { $0.first == 0x30 }
                ?? true)

    /// The flags that make `point` strike; the log tells whether it did.
    static func flags(_ point: Point, log: String, in scratch: Scratch) -> [String] {
        let paths =
            switch point.scope {
            case .database: ["-P", scratch.database, "-P", scratch.database + "-wal"]
            case .everything: [String]()
            }
        return ["-f", "-o", log] + paths + [
            "-e", "trace=\(point.call)", "-e", "inject=\(point.call):\(point.strike.action):when=\(point.number)",
        ]
    }

    /// Returns when the service cannot make a call any more that the tracer does not see.
    static func attach(to service: ServiceProcess, _ point: Point) async throws -> Tracer {
        let log = service.scratch.path + "/trace"
        let child = try ChildProcess(
            Tool.path("strace"), flags(point, log: log, in: service.scratch) + ["-p", "\(service.processID)"],
            in: service.scratch)
        try await Patience.until { child.standardError.contains("attached") }
        return Tracer(child: child, log: log)
    }

    /// Lets the service go.
    func detach() async {
        // It inherits that this process's threads block SIGTERM; the kernel lets go of what it traced.
        child.send(signal: SIGKILL)
        _ = await child.waitForExit()
    }

    /// Whether an error was returned; asked after ``detach()``.
    var hasStruck: Bool { Self.hasStruck(log) }

    static func hasStruck(_ log: String) -> Bool {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).contains("(INJECTED)")
    }
}

/// Waits for a condition that nobody signals.
enum Patience {
    struct Lost: Error, CustomStringConvertible {
        let description = "what was waited for did not come within ten seconds"
    }

    static func until(_ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw Lost() }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
