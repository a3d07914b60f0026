import Foundation

/// Where lines are imported from.
struct ImportInput {
    /// How messages call it.
    let name: String
    /// `nil` for standard input.
    private let path: String?

    /// The inputs that an argument stands for: one, or the `*.jsonl` of a directory in the order of their names.
    static func named(_ argument: String) throws -> [ImportInput] {
        if argument == "-" { return [ImportInput(name: "-", path: nil)] }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: argument, isDirectory: &isDirectory), isDirectory.boolValue
        else { return [ImportInput(name: argument, path: argument)] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: argument)) ?? []
        let lines = names.filter { $0.hasSuffix(".jsonl") }.sorted()
        guard !lines.isEmpty else {
            throw CommandFailure(
                message: "there is no *.jsonl in \(argument)",
                mend: "Name the buffer_dir of OrgLoop's configuration, or the files themselves.")
        }
        let directory = argument.hasSuffix("/") ? argument : argument + "/"
        return lines.map { ImportInput(name: directory + $0, path: directory + $0) }
    }

    /// Bytes of all inputs; `nil` when one of them does not tell.
    static func totalBytes(of inputs: [ImportInput]) -> Int? {
        let sizes = inputs.map { input -> Int? in
            guard let path = input.path else { return nil }
            var status = stat()
            guard stat(path, &status) == 0 else { return 0 }
            return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
        }
        return sizes.contains(nil) ? nil : sizes.compactMap(\.self).reduce(0, +)
    }

    /// A descriptor to read from.
    func open() throws(PrivateFile.Failure) -> Int32 {
        guard let path else { return dup(0) }
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PrivateFile.Failure("read", path) }
        return descriptor
    }
}
