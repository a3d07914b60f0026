import ArgumentParser
import EventQueue
import Foundation

/// Runs as a Claude Code hook: brings what fired to the queue, or keeps it where the queue will find it.
struct HookClaudeCodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claude-code",
        abstract: "Brings a Claude Code hook's event to the queue; Claude Code runs it.",
        discussion: """
            Reads the hook's JSON from standard input, signs it with the source's secret and posts it under a \
            key of its own. While the service does not answer, the request is kept in the directory `spool` \
            beside its database, and the service takes it in when it starts: no event is lost, and none comes \
            twice. A request that the service refuses is kept in `spool/rejected`, with the reason.

            Prints nothing on standard output and never exits 2, which would make Claude Code go on. Exit code 0: \
            the event is in the queue or in the spool; 1: see standard error.

            EXAMPLE
              orgloop-queue hook install
              echo '{"session_id":"s","cwd":"/w","hook_event_name":"SessionEnd"}' | orgloop-queue hook claude-code
            """)

    @Option(help: "The source to send to.")
    var source = "claude-code"

    @Option(help: "Seconds that the session took, if known. Environment: CLAUDE_DURATION.")
    var durationSeconds: Double?

    @Option(help: "The session's exit status, if known. Environment: CLAUDE_EXIT_STATUS.")
    var exitStatus: Int?

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: "URL of the service (default: as the database's lock file tells). Environment: ORGLOOP_QUEUE_URL."
    )
    var url: String?

    /// A hook's JSON is a few kilobytes; a tool's input in it may be a file.
    private static let inputBytesMax = 16 << 20

    /// Whether this process was called as the hook, whatever its arguments are worth.
    static var isCalled: Bool { CommandLine.arguments.dropFirst().starts(with: ["hook", "claude-code"]) }

    func validate() throws {
        _ = try CursorArguments.sourceID(source)
        if let durationSeconds, !durationSeconds.isFinite || durationSeconds < 0 {
            throw ValidationError("--duration-seconds is a number of seconds, zero or more.")
        }
    }

    mutating func run() async throws {
        let firedAt = Timestamp.now()
        ServiceParts.ignoreWriteSignals()
        // Claude Code may be started from anywhere, without the variables of a shell.
        let environment = EnvironmentFile.besides(ProcessInfo.processInfo.environment)
        let hook = try hookRequest(firedAt: firedAt, environment)
        let named = url ?? environment["ORGLOOP_QUEUE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let configuration: ServiceConfiguration
        do {
            configuration = try options.load()
        } catch {
            try keepUnsigned(hook, firedAt: firedAt, url: named, environment)
            throw error
        }
        let key = UUID().uuidString.lowercased()
        let verification = configuration.sources.first { $0.id.rawValue == source }?.verification
        let proofs = verification?.proofs(of: hook.body, id: key) ?? []
        let requests = (proofs.isEmpty ? [[]] : proofs).map {
            request(hook, key: key, firedAt: firedAt, url: named, proof: $0)
        }
        let target = HookDelivery.Target(configuration, url: named, environment: environment)
        try report(try await deliver(requests, key: key, to: target))
    }

    // MARK: The request

    private func hookRequest(firedAt: Timestamp, _ environment: [String: String]) throws -> HookRequest {
        let input = try FileHandle.standardInput.read(upToCount: Self.inputBytesMax + 1) ?? Data()
        guard input.count <= Self.inputBytesMax else {
            throw CommandFailure(
                message: "the hook's JSON is larger than \(Self.inputBytesMax) bytes",
                mend: "Install it for fewer hooks.")
        }
        let duration = durationSeconds ?? environment["CLAUDE_DURATION"].flatMap { Double($0) }
        let circumstances = HookRequest.Circumstances(
            duration: duration.flatMap(Self.spelled),
            exitStatus: exitStatus ?? environment["CLAUDE_EXIT_STATUS"].flatMap { Int($0) })
        do {
            return try HookRequest(hook: Array(input), firedAt: firedAt, circumstances: circumstances)
        } catch {
            throw CommandFailure(
                message: "standard input is not a hook's JSON: \(error)",
                mend: "Claude Code runs this command as a hook; orgloop-queue hook install sets it up.")
        }
    }

    /// A JSON number, without a fraction where there is none.
    private static func spelled(_ seconds: Double) -> String? {
        guard seconds.isFinite, seconds >= 0 else { return nil }
        return Int(exactly: seconds).map(String.init) ?? "\(seconds)"
    }

    private func request(
        _ hook: HookRequest, key: String, firedAt: Timestamp, url: String?, proof: [ProofHeader]
    ) -> SpooledRequest {
        let headers =
            [("Content-Type", "application/json"), ("Idempotency-Key", key)]
            + [("User-Agent", "orgloop-queue/\(OrgLoopQueue.version)")] + proof.map { ($0.name, $0.value) }
        return SpooledRequest(
            url: url, source: source, firedAt: firedAt,
            headers: headers.map { SpooledRequest.Header(name: $0.0, value: $0.1) }, body: hook.body)
    }

    // MARK: Delivery

    private func deliver(
        _ requests: [SpooledRequest], key: String, to target: HookDelivery.Target
    ) async throws -> HookDelivery.Outcome {
        do {
            return try await HookDelivery(target: target)
                .deliver(requests[0], orElse: Array(requests.dropFirst()), key: key)
        } catch {
            throw CommandFailure(
                message: "the event is lost: \(Self.reason(error))",
                mend: "Make that directory writable for this user, or name another --database.")
        }
    }

    private func report(_ outcome: HookDelivery.Outcome) throws {
        switch outcome {
        case .delivered: return
        case .kept(let spool, _):
            StandardStream.error.say("orgloop-queue: the service does not answer; the event waits in \(spool)")
        case .refused(let reason, let path):
            let hint =
                reason.hasPrefix("401")
                ? "This command needs the secret of the service: --config, or its variable in Claude Code's environment "
                    + "or in ~/.config/orgloop-queue/environment. " : ""
            throw CommandFailure(
                message: "the service refused the event: \(reason)",
                mend: hint + "It is kept in \(path). When the cause is mended: "
                    + "jq -r .body \(path) | base64 -d | orgloop-queue send \(source) --body -")
        }
    }

    /// Without a configuration there is no secret and no database: the event is kept all the same.
    private func keepUnsigned(
        _ hook: HookRequest, firedAt: Timestamp, url: String?, _ environment: [String: String]
    ) throws {
        let key = UUID().uuidString.lowercased()
        let request = request(hook, key: key, firedAt: firedAt, url: url, proof: [])
        guard let spool = options.database.map(Spool.init(database:)) ?? HookDelivery.Target.shared(environment)
        else {
            return StandardStream.error.say(
                "orgloop-queue: the event is lost: there is no home directory to keep it in; name a --database")
        }
        do {
            try spool.put(request, key: key)
            StandardStream.error.say(
                "orgloop-queue: the event waits in \(spool.directory), unsigned, because the configuration is unusable:"
            )
        } catch {
            StandardStream.error.say("orgloop-queue: the event is lost: \(Self.reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? PrivateFile.Failure)?.message ?? "\(error)"
    }
}
