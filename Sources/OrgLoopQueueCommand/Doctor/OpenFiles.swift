import Foundation

/// Who has a file open for writing; only Linux tells.
enum OpenFiles {
    /// A process that has it.
    struct Holder: Sendable, Equatable, CustomStringConvertible {
        let processID: Int32
        let name: String

        var description: String { name.isEmpty ? "pid \(processID)" : "\(name) (pid \(processID))" }
    }

    /// The processes but this one and `excluded` that have the file at `path` open for writing, as far as
    /// this user may see.
    static func writers(of path: String, but excluded: Int32?) -> [Holder] {
        var file = stat()
        guard stat(path, &file) == 0 else { return [] }
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { Int32($0) }.sorted()
            .filter { $0 != getpid() && $0 != excluded && isWriting($0, file) }
            .map { Holder(processID: $0, name: name(of: $0)) }
    }

    private static func isWriting(_ process: Int32, _ file: stat) -> Bool {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
        return descriptors.contains { descriptor in
            // `stat` follows the link without opening the file, whose locks an open and a close would drop.
            var status = stat()
            guard stat("/proc/\(process)/fd/\(descriptor)", &status) == 0, status.st_ino == file.st_ino,
                status.st_dev == file.st_dev
            else { return false }
            let text = try? String(contentsOfFile: "/proc/\(process)/fdinfo/\(descriptor)", encoding: .utf8)
            return text.map(isOpenForWriting) ?? false
        }
    }

    /// Reads the `flags` of proc(5), /proc/pid/fdinfo: octal, the access mode in the last two bits.
    static func isOpenForWriting(_ information: String) -> Bool {
        let line = information.split(separator: "\n").first { $0.hasPrefix("flags:") }
        let digits = line?.dropFirst("flags:".count).drop(while: \.isWhitespace)
        guard let flags = digits.flatMap({ Int32($0, radix: 8) }) else { return false }
        return flags & O_ACCMODE != O_RDONLY
    }

    private static func name(of process: Int32) -> String {
        let text = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }
}
