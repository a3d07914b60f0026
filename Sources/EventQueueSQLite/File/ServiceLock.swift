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
package final class ServiceLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Takes the lock beside the database at `path`.
    ///
    /// - Throws: ``StartRefusal`` when another process has it or the file cannot be made.
    package init(database path: String) throws {
        let lockPath = path + ".lock"
        let opened = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw StartRefusal(
                "The lock file \(lockPath) cannot be opened: \(systemError(errno)).",
                mend: "Make its directory writable for this user, or name another database.")
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(opened)
            close(opened)
            throw StartRefusal(
                "Another process\(holder) has the database \(path) open for writing.",
                mend: "Use the service that runs, or stop it first; one service serves one database.")
        }
        let owner = "\(getpid())\n"
        ftruncate(opened, 0)
        _ = owner.withCString { pwrite(opened, $0, strlen($0), 0) }
        descriptor = Mutex(opened)
    }

    /// Gives the lock back; the file stays, since removing it would let two processes hold two locks.
    package func release() {
        descriptor.withLock { held in
            if let open = held { close(open) }
            held = nil
        }
    }

    deinit { release() }

    /// Who has the lock of a database.
    package enum Standing: Sendable, Equatable {
        case free
        /// By the process of this id, if it has told.
        case held(by: Int32?)
        /// The file may not be looked at.
        case hidden
    }

    /// Looks who has the lock of the database at `path`.
    ///
    /// There is no way to ask but to try, so the lock is shared for an instant; the file is not made.
    package static func standing(database path: String) -> Standing {
        let opened = open(path + ".lock", O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { return errno == ENOENT ? .free : .hidden }
        defer { close(opened) }
        guard flock(opened, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return .free }
        return .held(by: owner(opened))
    }

    private static func holder(_ descriptor: Int32) -> String {
        owner(descriptor).map { " (pid \($0))" } ?? ""
    }

    private static func owner(_ descriptor: Int32) -> Int32? {
        var text = [UInt8](repeating: 0, count: 20)
        let length = pread(descriptor, &text, text.count, 0)
        guard length > 0 else { return nil }
        return String(decoding: text[..<length], as: UTF8.self).split(separator: "\n").first.flatMap { Int32($0) }
    }
}

/// The system's words for an error number.
func systemError(_ number: Int32) -> String {
    String(cString: strerror(number))
}
