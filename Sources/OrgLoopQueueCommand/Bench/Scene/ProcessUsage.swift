import Foundation

/// What a running process takes, as Linux tells it in `/proc`.
struct ProcessUsage: Sendable {
    /// Its own time and the kernel's on its behalf, in steps of a clock tick.
    let cpuMicroseconds: Double
    /// Memory that it has in RAM.
    let residentBytes: Int
    /// The most that it ever had.
    let residentBytesMax: Int

    /// `nil` when the process is gone, or this is no Linux.
    init?(of process: pid_t) {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        else { return nil }
        self.init(stat: stat, status: status, ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    /// Reads the two files; see proc(5).
    init?(stat: String, status: String, ticksPerSecond: Double) {
        // The name of the program, in parentheses, may have spaces of its own.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]),
            let resident = Self.bytes("VmRSS:", in: status), let most = Self.bytes("VmHWM:", in: status)
        else { return nil }
        cpuMicroseconds = (user + system) / ticksPerSecond * 1_000_000
        residentBytes = resident
        residentBytesMax = most
    }

    private static func bytes(_ name: String, in status: String) -> Int? {
        status.split(separator: "\n").first { $0.hasPrefix(name) }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }
}

/// What the service took for a run of requests; unknown where nothing tells it.
struct ServiceCost {
    let cpuMicrosecondsPerRequest: Double?
    let residentBytes: Int?
    let residentBytesMax: Int?

    init(from before: ProcessUsage?, to after: ProcessUsage?, answers: Int) {
        residentBytes = after?.residentBytes
        residentBytesMax = after?.residentBytesMax
        guard let before, let after, answers > 0 else {
            cpuMicrosecondsPerRequest = nil
            return
        }
        cpuMicrosecondsPerRequest = (after.cpuMicroseconds - before.cpuMicroseconds) / Double(answers)
    }

    var figures: [Figure] {
        [
            Figure(
                "service_cpu_us_per_request", "CPU of the service a request", cpuMicrosecondsPerRequest, .microseconds),
            Figure("service_resident_bytes", "memory of the service", residentBytes.map(Double.init), .bytes),
            Figure(
                "service_resident_bytes_max", "memory of the service, most", residentBytesMax.map(Double.init), .bytes),
        ]
    }
}
