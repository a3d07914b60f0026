#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The database's files as the operating system sees them.
///
/// Only `stat` and its kin are used: opening or closing one of the files outside SQLite would drop the
/// locks that SQLite holds on it.
struct DatabaseFile: Sendable {
    /// Which file a path leads to.
    struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    let path: String

    var walPath: String { path + "-wal" }

    /// The directory it is in.
    var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Size in bytes of the file at `path`; zero when there is none.
    static func size(_ path: String) -> Int64 { status(path).map { Int64($0.st_size) } ?? 0 }

    /// Which file is at `path` now; `nil` when there is none.
    static func identity(_ path: String) -> Identity? {
        status(path).map { Identity(device: UInt64($0.st_dev), inode: UInt64($0.st_ino)) }
    }

    /// What kind of thing is at a path.
    enum Kind: Equatable {
        case regular, directory, other
        /// This user may not see it; the text is the system's reason.
        case hidden(String)
    }

    /// What is at `path`, behind any symbolic link; `nil` when there is nothing.
    static func kind(_ path: String) -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code = errno
            return [ENOENT, ENOTDIR].contains(code) ? nil : .hidden(systemError(code))
        }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        default: .other
        }
    }

    /// What stands in the way of writing the database: a file of it, or its directory, and the system's reason.
    var unwritable: (path: String, reason: String)? {
        let files = [path, walPath, path + "-shm", path + ".lock"].filter { Self.status($0) != nil }
        // A link or a file in its place is another matter.
        for place in files + [directory] where Self.status(place) != nil {
            if access(place, W_OK) != 0 { return (place, systemError(errno)) }
        }
        return nil
    }

    /// How many names the database has; more than one would split it from its WAL.
    var linkCount: Int { Self.status(path).map { Int($0.st_nlink) } ?? 0 }

    /// What the path leads to when it is a symbolic link; `nil` when it is none.
    var linkTarget: String? {
        var link = stat()
        guard lstat(path, &link) == 0, link.st_mode & S_IFMT == S_IFLNK else { return nil }
        guard let real = realpath(path, nil) else { return "which does not exist" }
        defer { free(real) }
        return String(cString: real)
    }

    /// Bytes that an unprivileged process may still write beside the database.
    var freeBytes: Int64? {
        var volume = statvfs()
        guard statvfs(path, &volume) == 0 else { return nil }
        return Int64(volume.f_bavail) * Int64(volume.f_frsize)
    }

    /// Creates an empty file for this user only, unless there is one; SQLite then gives its WAL the same mode.
    ///
    /// It must run before SQLite has the file open in this process.
    func createPrivately() throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            guard errno == EEXIST else {
                throw StartRefusal(
                    "The database \(path) cannot be created: \(systemError(errno)).",
                    mend: "Make its directory writable for this user, or name another path with --database.")
            }
            return
        }
        close(descriptor)
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }
}
