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

    private static func holder(_ descriptor: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 20)
        let length = pread(descriptor, &text, text.count, 0)
        guard length > 0, let owner = Int32(String(decoding: text[..<length], as: UTF8.self).split(separator: "\n")[0])
        else { return "" }
        return " (pid \(owner))"
    }
}

/// The system's words for an error number.
func systemError(_ number: Int32) -> String {
    String(cString: strerror(number))
}
