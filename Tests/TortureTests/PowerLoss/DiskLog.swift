import Foundation

/// What the service told the kernel about its files, in order, as strace wrote it down with `-f -y -xx`.
struct DiskLog {
    /// What changes a disk.
    enum Change {
        case create(path: String)
        case write(path: String, offset: Int, bytes: [UInt8])
        case truncate(path: String, size: Int)
        case remove(path: String)
        /// Of a file, or of the names in a directory.
        case sync(path: String)
    }

    /// A change, and how long the log was when it had been made.
    struct Entry {
        let change: Change
        let end: Int
    }

    private(set) var entries: [Entry] = []
    /// By thread, what it began and did not finish on one line.
    private var unfinished: [Substring: String] = [:]

    init(_ data: Data) {
        var end = 0
        for line in data.split(separator: 0x0A, omittingEmptySubsequences: false) {
            end += line.count + 1
            read(String(decoding: line, as: UTF8.self), end: end)
        }
    }

    private mutating func read(_ line: String, end: Int) {
        let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2 else { return }
        var call = parts[1].trimmingCharacters(in: .whitespaces)
        if call.hasSuffix("<unfinished ...>") {
            unfinished[parts[0]] = String(call.dropLast("<unfinished ...>".count))
            return
        }
        if call.hasPrefix("<... "), let start = unfinished.removeValue(forKey: parts[0]),
            let resumed = call.firstRange(of: "resumed>")?.upperBound
        {
            call = start + call[resumed...]
        }
        // A call that failed changed nothing, and one that the tracer only pretended to make neither.
        guard !call.contains(" = -1 "), !call.contains("(INJECTED"), let change = Self.change(call) else { return }
        entries.append(Entry(change: change, end: end))
    }

    private static func change(_ call: String) -> Change? {
        guard let open = call.firstIndex(of: "("), let close = call.ranges(of: ") = ").last?.lowerBound else {
            return nil
        }
        let name = call[..<open]
        let arguments = call[call.index(after: open)..<close].split(separator: ", ")
        guard let first = arguments.first, arguments.count > (name == "openat" ? 2 : 0) else { return nil }
        switch name {
        case "openat":
            return arguments[2].contains("O_CREAT") ? .create(path: text(arguments[1])) : nil
        case "pwrite64":
            guard arguments.count == 4, let offset = Int(arguments[3]) else { return nil }
            return .write(path: text(first), offset: offset, bytes: bytes(arguments[1]))
        case "ftruncate":
            guard arguments.count == 2, let size = Int(arguments[1]) else { return nil }
            return .truncate(path: text(first), size: size)
        case "fsync", "fdatasync": return .sync(path: text(first))
        case "unlink": return .remove(path: text(first))
        default: return nil
        }
    }

    private static func text(_ argument: Substring) -> String { String(decoding: bytes(argument), as: UTF8.self) }

    /// What is between quotes, or between the angle brackets behind a descriptor: `\x2f\x74…`.
    private static func bytes(_ argument: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(argument.utf8.count / 4)
        // Each is a backslash, an x and two digits.
        var behind = Int.max
        var value: UInt8 = 0
        for character in argument.utf8 {
            switch character {
            case UInt8(ascii: "\\"): behind = 0
            case _ where behind == .max: continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | (character - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | (character - UInt8(ascii: "a") + 10)
            default: break
            }
            behind += 1
            if behind == 4 {
                bytes.append(value)
                behind = .max
            }
        }
        return bytes
    }
}
