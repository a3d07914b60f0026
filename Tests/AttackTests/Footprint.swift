import Foundation

/// What a running process takes, as Linux tells it in `/proc`.
struct Footprint {
    /// The process is gone, or this is no Linux.
    struct Unknown: Error {}

    /// Memory that it has in RAM.
    let residentBytes: Int
    let descriptors: Int
    /// Its own time and the kernel's on its behalf, in steps of a clock tick: 10 ms as a rule.
    let cpu: Duration

    static var isKnown: Bool { FileManager.default.fileExists(atPath: "/proc/self/stat") }

    init(of process: Int32) throws {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { throw Unknown() }
        residentBytes = kilobytes << 10
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
        cpu = try Self.cpu(of: process)
    }

    static func cpu(of process: Int32) throws -> Duration {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // The name of the program, in parentheses, may have spaces of its own.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { throw Unknown() }
        return .seconds(1) * (user + system) / Int(sysconf(Int32(_SC_CLK_TCK)))
    }
}
