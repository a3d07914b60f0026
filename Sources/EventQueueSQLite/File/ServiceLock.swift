import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The exclusive right to write one database, held on a separate file until it is released or the process
/// ends.
///
/// It is `flock` and not a POSIX record lock, and on a file of its own, because SQLite's locks on the
/// database would be dropped by closing any other descriptor of it
/// (https://www.sqlite.org/howtocorrupt.html#posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
///
/// The file says who holds it: the process on the first line and, once it listens, its URL on the second.
package final class ServiceLock: Sendable {
    /// What a look at the lock file found.
    package enum Standing: Sendable, Equatable {
        /// There is no lock file: nobody ever served the database.
        case absent
        /// Nobody holds the lock.
        case free
        /// A process holds it; both are `nil` while it has not written them.
        case held(processID: Int32?, url: String?)
        /// The file cannot be opened; the text is the system's reason.
        case unreadable(String)

        /// The process that holds it, if it has said so.
        package var processID: Int32? {
            guard case .held(let processID, _) = self else { return nil }
            return processID
        }

        /// Where its holder listens, if it has said so.
        package var url: String? {
            guard case .held(_, let url) = self else { return nil }
            return url
        }
    }

    private let descriptor: Mutex<Int32?>

    /// A look takes the lock for microseconds; whoever starts in just that moment is not refused for it.
    private static let attemptsMax = 20
    private static let attemptPauseMicroseconds: UInt32 = 2000
    /// A process id and a URL of the longest host name are far shorter.
    private static let contentBytesMax = 1024

    /// Takes the lock beside the database at `path`.
    ///
    /// - Throws: ``StartRefusal`` when another process has it or the file cannot be made.
    package init(database path: String) throws {
        let lockPath = Self.path(of: path)
        let opened = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw StartRefusal(
                "The lock file \(lockPath) cannot be opened: \(systemError(errno)).",
                mend: "Make its directory writable for this user, or name another database.")
        }
        guard Self.take(opened) else {
            let holder = Self.content(opened).processID.map { " (pid \($0))" } ?? ""
            close(opened)
            throw StartRefusal(
                "Another process\(holder) has the database \(path) open for writing.",
                mend: "Use the service that runs, or stop it first; one service serves one database.",
                isLocked: true)
        }
        ftruncate(opened, 0)
        Self.write("\(getpid())\n", to: opened)
        descriptor = Mutex(opened)
    }

    /// Tells everybody who looks at the lock where its holder listens.
    package func publish(url: String) {
        descriptor.withLock { held in
            // One write, with the same first line: nobody reads half of it.
            if let open = held { Self.write("\(getpid())\n\(url)\n", to: open) }
        }
    }

    /// Gives the lock back; the file stays, since removing it would let two processes hold two locks.
    package func release() {
        descriptor.withLock { held in
            if let open = held {
                // Whoever takes it next is not mistaken for this process before it has written its own name.
                ftruncate(open, 0)
                close(open)
            }
            held = nil
        }
    }

    deinit { release() }

    /// Who holds the lock of the database at `path`, without waiting and without changing anything.
    package static func look(database path: String) -> Standing {
        // A FIFO in its place must not hold the look up.
        let opened = open(Self.path(of: path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else { return errno == ENOENT ? .absent : .unreadable(systemError(errno)) }
        // Closing gives back what the look took.
        defer { close(opened) }
        // Shared, so that two who look do not see each other.
        guard flock(opened, LOCK_SH | LOCK_NB) != 0 else { return .free }
        guard errno == EWOULDBLOCK else { return .unreadable(systemError(errno)) }
        let holder = content(opened)
        return .held(processID: holder.processID, url: holder.url)
    }

    private static func path(of database: String) -> String { database + ".lock" }

    private static func take(_ descriptor: Int32) -> Bool {
        for attempt in 1...attemptsMax {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            if attempt < attemptsMax { usleep(attemptPauseMicroseconds) }
        }
        return false
    }

    private static func write(_ text: String, to descriptor: Int32) {
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    private static func content(_ descriptor: Int32) -> (processID: Int32?, url: String?) {
        var text = [UInt8](repeating: 0, count: contentBytesMax)
        let length = pread(descriptor, &text, text.count, 0)
        guard length > 0 else { return (nil, nil) }
        let lines = String(decoding: text[..<length], as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        // A line that is not ended is one that is being written.
        return (lines.first.flatMap { Int32($0) }, lines.count > 2 ? String(lines[1]) : nil)
    }
}

/// The system's words for an error number.
func systemError(_ number: Int32) -> String {
    String(cString: strerror(number))
}
