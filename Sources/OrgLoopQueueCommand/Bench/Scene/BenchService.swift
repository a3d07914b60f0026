import Foundation

/// The service that is measured: this program's own `serve`, on a free port.
struct BenchService: Sendable {
    let place: ServicePlace
    let url: String
    let port: Int
    /// From its start to the line that says that it can commit.
    let startTime: Duration
    private let program: SpawnedProgram
    private let scratch: BenchScratch

    static let host = "127.0.0.1"

    /// Starts it and returns when it can commit.
    ///
    /// - Throws: ``CommandFailure`` with the end of its log when it does not come up.
    static func start(_ place: ServicePlace, in scratch: BenchScratch) async throws -> BenchService {
        let words = [
            try path(), "serve", "--config", place.configuration, "--listen", "\(host):0", "--log-level", "warning",
        ]
        let order = SpawnedProgram.Order(words: words, environment: scratch.environment, errors: place.log)
        let clock = ContinuousClock()
        let begin = clock.now
        let program = try scratch.start(order)
        // The ready line ends with the URL.
        let url = await Blocking.run { program.line { $0.split(separator: " ").last.map(String.init) } }
        let startTime = begin.duration(to: clock.now)
        guard let url, let port = url.split(separator: ":").last.flatMap({ Int($0) }) else {
            scratch.stop(program)
            throw CommandFailure(
                message: "the service was not ready within \(SpawnedProgram.patience): \(lastLine(of: place.log))",
                mend: "")
        }
        return BenchService(
            place: place, url: url, port: port, startTime: startTime, program: program, scratch: scratch)
    }

    /// The program that is measured is this one.
    static func path() throws -> String {
        try ThisProgram.path(CommandLine.arguments, ProcessInfo.processInfo.environment)
    }

    var usage: ProcessUsage? { ProcessUsage(of: program.processID) }

    /// What its sender knows.
    var form: SignedRequestForm {
        SignedRequestForm(host: "\(Self.host):\(port)", source: ServicePlace.source, secret: place.secret)
    }

    /// A consumer of it.
    func poll(limit: Int, _ progress: PollProgress) throws -> PollScript {
        PollScript(
            host: "\(Self.host):\(port)", consumer: "bench", source: ServicePlace.source,
            token: try TokenFile(path: place.tokenFile).load() ?? "", limit: limit, progress: progress)
    }

    func generator(_ progress: LoadProgress) -> LoadGenerator {
        LoadGenerator(host: Self.host, port: port, progress: progress)
    }

    /// Ends it as a crash would.
    func kill() { scratch.stop(program) }

    /// Waits until it does nothing any more: after a start it reads its whole file once, beside everything else.
    ///
    /// - Throws: ``CommandFailure`` when it never comes to rest: it would be measured beside its own work.
    func waitUntilIdle() async throws {
        var last = usage?.cpuMicroseconds
        var quietIntervals = 0
        for _ in 0..<Self.idleChecksMax {
            try await Task.sleep(for: Self.idleInterval)
            // Where nothing tells it, there is nothing to wait for.
            guard let before = last, let now = usage?.cpuMicroseconds else { return }
            quietIntervals = now - before > Self.idleMicrosecondsMax ? 0 : quietIntervals + 1
            // One alone may be a wait for the disk.
            if quietIntervals == 2 { return }
            last = now
        }
        throw CommandFailure(
            message: "the service does not come to rest: \(Self.lastLine(of: place.log))",
            mend: "Measure on a machine that does nothing else.")
    }

    /// Ten minutes: what a file of ten million events takes on a slow disk.
    private static let idleChecksMax = 1200
    private static let idleInterval: Duration = .milliseconds(500)
    /// Two clock ticks in half a second: timers.
    private static let idleMicrosecondsMax = 20_000.0

    private static func lastLine(of log: String) -> String {
        let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").last.map { String($0).printable } ?? "it said nothing"
    }
}
