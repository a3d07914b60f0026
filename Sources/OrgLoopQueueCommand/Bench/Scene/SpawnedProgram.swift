import Foundation

/// Another program, started and waited for without anything in between: its whole run is what is measured.
struct SpawnedProgram: Sendable {
    let processID: pid_t
    /// Its standard output, for as long as somebody reads it.
    private let output: Int32

    /// What it is started with.
    struct Order: Sendable {
        /// The path, then the arguments.
        let words: [String]
        var environment: [String: String]
        /// A file that is its standard input.
        var input = "/dev/null"
        /// A file that its errors are appended to.
        var errors = "/dev/null"
    }

    /// Starts it; the caller waits for its end with ``wait()`` or ``kill()``.
    init(_ order: Order) throws {
        var pipes: [Int32] = [-1, -1]
        guard pipe(&pipes) == 0 else { throw Self.failure(order, errno) }
        for descriptor in pipes { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        defer { close(pipes[1]) }
        var processID: pid_t = 0
        let code = Self.spawn(order, output: pipes[1], &processID)
        guard code == 0 else {
            close(pipes[0])
            throw Self.failure(order, code)
        }
        self.processID = processID
        output = pipes[0]
    }

    /// How long a program may take until it says that it is ready.
    static let patience: Duration = .seconds(30)

    /// Reads lines of its output up to the one that `pick` takes, and reads no more.
    ///
    /// - Returns: `nil` when the output ends before, or the line does not come in time.
    func line<Picked>(within time: Duration = Self.patience, _ pick: (String) -> Picked?) -> Picked? {
        let deadline = ContinuousClock.now + time
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while waitForOutput(until: deadline), read(output, &byte, 1) == 1 {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if let picked = pick(String(decoding: line, as: UTF8.self)) { return picked }
            line = []
        }
        return nil
    }

    private func waitForOutput(until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let rest = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard rest > 0 else { return false }
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let count = poll(&descriptor, 1, Int32(rest.rounded(.up)))
            guard count < 0, errno == EINTR else { return count > 0 }
        }
    }

    /// Waits for its end.
    ///
    /// - Returns: The exit code, or the negative number of the signal that killed it.
    @discardableResult
    func wait() -> Int32 {
        defer { close(output) }
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : -signal
    }

    /// Ends it without warning and waits until it is gone.
    func kill() {
        Foundation.kill(processID, SIGKILL)
        wait()
    }

    private static func spawn(_ order: Order, output: Int32, _ processID: inout pid_t) -> Int32 {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, order.input, O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, order.errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // What this process does with signals is its own affair.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var words = order.words.map { strdup($0) } + [nil]
        var environment = order.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + environment { free(text) } }
        return posix_spawn(&processID, order.words[0], &actions, &attributes, &words, &environment)
    }

    private static func failure(_ order: Order, _ code: Int32) -> CommandFailure {
        CommandFailure(
            message: "cannot start \(order.words[0]): \(String(cString: strerror(code)))",
            mend: "Check that it is a program.")
    }
}
