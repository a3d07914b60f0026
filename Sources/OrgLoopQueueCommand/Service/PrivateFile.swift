import Foundation

/// Files that hold secrets or positions: owner-only, replaced as a whole, on disk before it matters.
enum PrivateFile {
    /// What the operating system answered, with the file it was about.
    struct Failure: Error {
        let message: String

        init(_ action: String, _ path: String, _ code: Int32 = errno) {
            message = "cannot \(action) \(path): \(String(cString: strerror(code)))"
        }
    }

    /// Makes a directory and those above it, 0700, unless it exists; what it made is on disk then.
    static func makeDirectory(_ path: String) throws(Failure) {
        let missing = missing(path)
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure("make the directory", path, errno == 0 ? EACCES : errno)
        }
        // SQLite syncs the directory that its files are in, and nobody those that lead there.
        for directory in missing { syncDirectory(of: directory) }
    }

    /// The directory and those above it that do not exist.
    private static func missing(_ path: String) -> [String] {
        let parent = ConfigurationLoader.directory(of: path)
        guard parent != path, !FileManager.default.fileExists(atPath: path) else { return [] }
        return [path] + missing(parent)
    }

    /// The content up to `bytesMax`, which is enough for tokens and checkpoints; `nil` when there is no such file.
    static func read(_ path: String, bytesMax: Int = 4096) throws(Failure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Failure("read", path)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        while content.count < bytesMax {
            var part = [UInt8](repeating: 0, count: min(bytesMax - content.count, 1 << 16))
            let count = part.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw Failure("read", path) }
            guard count > 0 else { break }
            content += part.prefix(count)
        }
        return content
    }

    /// Puts `content` in the place of the file at once: after a crash there is the old one or the new one.
    ///
    /// - Parameter model: A file whose owner and permissions it gets; without one it is its owner's alone.
    static func replace(_ path: String, with content: [UInt8], like model: String? = nil) throws(Failure) {
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("write", temporary) }
        let written = content.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let isSynced =
            written == content.count && model.map { adopt($0, descriptor) } ?? true && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isSynced, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw Failure("write", path, isSynced ? errno : code)
        }
        syncDirectory(of: path)
    }

    /// Whether others than the owner can read the file.
    static func isExposed(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    /// Gives an open file the permissions of another one, and its owner if that is somebody else.
    private static func adopt(_ model: String, _ descriptor: Int32) -> Bool {
        var status = stat()
        guard stat(model, &status) == 0 else { return false }
        // Changing the owner may take permission bits away, so it comes first.
        if status.st_uid != geteuid(), fchown(descriptor, status.st_uid, status.st_gid) != 0 { return false }
        return fchmod(descriptor, status.st_mode & 0o7777) == 0
    }

    private static func syncDirectory(of path: String) {
        let descriptor = open(ConfigurationLoader.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        // Some file systems cannot sync a directory; the rename itself is atomic everywhere.
        _ = fsync(descriptor)
        close(descriptor)
    }
}
