import Foundation

/// Files of an OrgLoop project, which belong to its owner and to an editor.
enum ProjectFile {
    /// A larger file is no configuration, and would be kept in memory several times.
    private static let bytesMax = 1 << 20
    /// What a project's files usually have; this process would otherwise make them private.
    private static let modeOfNew: mode_t = 0o644

    /// The content; `nil` when there is no such file.
    static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", path)
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard let content = try? file.read(upToCount: bytesMax + 1) ?? Data() else { throw failure("read", path) }
        guard content.count <= bytesMax else {
            throw CommandFailure(message: "\(path) is larger than 1 MiB", mend: "Name an OrgLoop project.")
        }
        return Array(content)
    }

    /// The text; `nil` when there is no such file.
    static func text(_ path: String) throws -> String? {
        guard let content = try read(path) else { return nil }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw CommandFailure(message: "\(path) is not UTF-8 text", mend: "Save it as UTF-8.")
        }
        return text
    }

    /// Puts `content` in the place of the file at once; mode, owner and links to it stay as they are.
    static func write(_ path: String, _ content: [UInt8]) throws {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        try makeDirectory(ConfigurationLoader.directory(of: target))
        var status = stat()
        let exists = stat(target, &status) == 0
        let temporary = "\(target).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("write", temporary) }
        var isWritten = fchmod(descriptor, exists ? status.st_mode & 0o7777 : modeOfNew) == 0
        // Only root can do this, and only root has to.
        if exists, fchown(descriptor, status.st_uid, status.st_gid) != 0, getuid() == 0 { isWritten = false }
        isWritten = isWritten && writeAll(content, to: descriptor) && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWritten, rename(temporary, target) == 0 else {
            let reason = isWritten ? errno : code
            unlink(temporary)
            throw failure("write", path, reason)
        }
    }

    private static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw failure("make the directory", path, errno == 0 ? EACCES : errno)
        }
    }

    private static func writeAll(_ content: [UInt8], to descriptor: Int32) -> Bool {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func failure(_ action: String, _ path: String, _ code: Int32 = errno) -> CommandFailure {
        CommandFailure(
            message: "cannot \(action) \(path): \(String(cString: strerror(code)))",
            mend: "Run this as the owner of the project.")
    }
}
