import EventQueue
import Foundation

/// A buffer of OrgLoop as a file: opened for reading only, and never changed.
struct BufferFile {
    /// What is at the path of a buffer.
    enum Standing: Equatable {
        case missing
        /// It is there, and this is why it cannot be read.
        case unreadable(String)
        case readable(bytes: Int)
    }

    /// Read from its start; whoever has it closes it.
    let descriptor: Int32
    let bytes: Int

    /// The buffers that a source may have in its `buffer_dir`, older versions of OrgLoop first.
    ///
    /// The directory is spelled as the file system does, so that one buffer has one name.
    static func keys(of source: SourceConfiguration) -> [Buffer.Key] {
        guard let directory = source.bufferDirectory else { return [] }
        let place = real(directory) ?? directory
        return source.connector.bufferPrefixes.map { prefix in
            Buffer.Key(source: source.id, path: "\(place)/\(prefix)-\(source.id).jsonl")
        }
    }

    /// Opens the file at `path`; `nil` when there is none.
    ///
    /// - Throws: When it cannot be read, or is no file.
    static func open(_ path: String) throws(PrivateFile.Failure) -> BufferFile? {
        // Without O_NONBLOCK a named pipe would wait for its writer.
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw PrivateFile.Failure("read", path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw PrivateFile.Failure("read", path, EISDIR)
        }
        return BufferFile(descriptor: descriptor, bytes: Int(status.st_size))
    }

    /// Looks at the file at `path`.
    static func look(_ path: String) -> Standing {
        do {
            guard let file = try open(path) else { return .missing }
            close(file.descriptor)
            return .readable(bytes: file.bytes)
        } catch {
            return .unreadable(error.message)
        }
    }

    /// The mark behind the first `byte` bytes, which are `line` lines.
    func mark(byte: Int, line: Int) throws(PrivateFile.Failure) -> Buffer.Mark {
        var tail = [UInt8](repeating: 0, count: min(byte, Buffer.Mark.tailBytesMax))
        let start = off_t(byte - tail.count)
        let count = tail.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, start) }
        guard count >= 0 else { throw PrivateFile.Failure("read", "the file again") }
        return Buffer.Mark(byte: byte, line: line, tail: Fingerprint(of: tail.prefix(count)))
    }

    /// Whether what stands before the mark is still what stood there.
    func agrees(with mark: Buffer.Mark) throws(PrivateFile.Failure) -> Bool {
        guard bytes >= mark.byte else { return false }
        return try self.mark(byte: mark.byte, line: mark.line) == mark
    }

    private static func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
