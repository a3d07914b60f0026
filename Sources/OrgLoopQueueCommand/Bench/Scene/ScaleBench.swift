import Foundation
import NIOCore

/// A large database and a small one side by side, each with a service of its own.
struct ScaleBench {
    let scratch: BenchScratch
    let progress: LoadProgress
    let connections: Int
    let rounds: Int
    let roundTime: Duration
    let polls: Int
    let hooks: Int
    let starts: Int

    /// Events a poll, and how many are sent between two polls.
    static let pollEvents = 500
    /// What waits where little waits.
    private static let fewPending = 1000
    /// What is not yet in the database but in its log when the service is killed.
    private static let requestsBeforeKill = 2000

    func run(events: Int, small: Int) async throws -> FigureReport {
        let large = try await fill("large", events)
        let little = try await fill("small", small)
        let few = try await fill("few", Self.fewPending)
        let idle = large.usage?.residentBytes
        var bodies = SessionBodies()
        let ingest = try await ingest(large, little, &bodies)
        little.kill()
        let handover = try await poll(large, few, &bodies)
        few.kill()
        let memory = Self.memory(idle: idle, most: large.usage?.residentBytesMax)
        let hooks = try await hook(large)
        let starts = try await start(large, &bodies)
        return FigureReport(
            title: "\(events) events in the file against \(small)",
            circumstances: [
                ("bench", JSONOutput.quoted("scale")), ("events", "\(events)"), ("small", "\(small)"),
                ("connections", "\(connections)"), ("rounds", "\(rounds)"),
                ("round_seconds", FigureText.json(roundTime / .seconds(1))), ("polls", "\(polls)"),
                ("hooks", "\(self.hooks)"), ("starts", "\(self.starts)"),
            ],
            figures: ingest + handover + memory + starts + hooks)
    }

    private static func memory(idle: Int?, most: Int?) -> [Figure] {
        [
            Figure(
                "idle_resident_bytes", "memory, idle", idle.map(Double.init), .bytes, target: .atMost(40 * 1_048_576)),
            Figure(
                "load_resident_bytes_max", "memory at full load, most", most.map(Double.init), .bytes,
                target: .atMost(150 * 1_048_576)),
        ]
    }

    /// Makes a database and starts its service, which has read the file once when this returns.
    private func fill(_ name: String, _ events: Int) async throws -> BenchService {
        progress.begin("filling \(events)")
        let place = try ServicePlace(name, in: scratch, connections: connections)
        try await StoreFiller(place: place, progress: progress).fill(events)
        let service = try await BenchService.start(place, in: scratch)
        try await service.waitUntilIdle()
        return service
    }

    private func ingest(
        _ large: BenchService, _ little: BenchService, _ bodies: inout SessionBodies
    ) async throws -> [Figure] {
        var (ours, theirs) = (Series(), Series())
        let plan = LoadPlan(connections: connections, limit: .duration(roundTime))
        for round in 1...rounds {
            progress.begin("ingest, round \(round) of \(rounds)")
            ours.add(try await send(plan, to: large, &bodies).perSecond)
            theirs.add(try await send(plan, to: little, &bodies).perSecond)
        }
        return [
            Figure("large_requests_per_second", "ingest into the large one, median", ours.median, .perSecond),
            Figure("small_requests_per_second", "ingest into the small one, median", theirs.median, .perSecond),
            Figure(
                "ingest_ratio", "ingest, large by small, median", ours.ratios(to: theirs).median, .ratio,
                target: .atLeast(0.7)),
        ]
    }

    private func send(
        _ plan: LoadPlan, to service: BenchService, _ bodies: inout SessionBodies
    ) async throws -> LoadFigures {
        let figures = try await service.measure(plan, rateMax: LoadPlan.rateUnknown / 2, &bodies, progress)
        try figures.requireSuccess(of: "ingest")
        return figures
    }

    /// A consumer of one of the services, and what its polls took.
    private struct Consumer {
        let service: BenchService
        var figures = LoadFigures()
        private let polled = PollProgress(.any)
        private let dialogue: any Dialogue
        private let connection: KeptConnection

        init(service: BenchService) async throws {
            self.service = service
            let script = try service.poll(limit: ScaleBench.pollEvents, polled)
            dialogue = script.dialogues(1)[0]
            connection = try await KeptConnection.open(
                host: BenchService.host, port: service.port, framing: script.framing)
        }

        /// - Throws: ``CommandFailure`` unless the answer brings a whole poll of events that it has not brought before.
        func poll() async throws -> TimeAmount {
            guard let request = dialogue.next() else { preconditionFailure("an empty answer was refused") }
            let before = polled.saved.events
            let (answer, time) = try await connection.send(request)
            let problem = answer.problem ?? dialogue.take(answer.body)
            let events = polled.saved.events - before
            guard problem == nil, events == ScaleBench.pollEvents else {
                throw CommandFailure(
                    message: "a poll brought \(counted(events, "event")), not \(ScaleBench.pollEvents)"
                        + (problem.map { ": \($0)" } ?? ""),
                    mend: "That is a fault of the queue: please report it.")
            }
            return time
        }

        func close() async throws { try await connection.close() }
    }

    /// One poll of each in turns, each on a connection that is kept; before it each gets as many events as a poll
    /// takes, so that as many wait as before.
    private func poll(
        _ large: BenchService, _ few: BenchService, _ bodies: inout SessionBodies
    ) async throws -> [Figure] {
        let refill = LoadPlan(connections: connections, limit: .requests(Self.pollEvents))
        var consumers = [try await Consumer(service: large), try await Consumer(service: few)]
        // The first poll makes the consumer; it is not counted.
        for number in 0...polls {
            progress.begin("poll \(number) of \(polls)")
            for index in consumers.indices {
                if number > 0 { _ = try await send(refill, to: consumers[index].service, &bodies) }
                let time = try await consumers[index].poll()
                if number > 0 { consumers[index].figures.answered(after: UInt64(time.nanoseconds)) }
            }
        }
        for consumer in consumers { try await consumer.close() }
        let (ours, theirs) = (consumers[0].figures, consumers[1].figures)
        let (most, least) = (ours.microseconds(percentile: 99), theirs.microseconds(percentile: 99))
        return [
            Figure("poll_p50_us", "poll of 500 with all pending, median", ours.medianMicroseconds, .microseconds),
            Figure("poll_p99_us", "poll of 500 with all pending, p99", most, .microseconds),
            Figure(
                "few_poll_p50_us", "poll of 500 with 1000 pending, median", theirs.medianMicroseconds, .microseconds),
            Figure("few_poll_p99_us", "poll of 500 with 1000 pending, p99", least, .microseconds),
            Figure(
                "poll_p99_ratio", "poll p99, all by 1000 pending", most / max(least, 1), .ratio, target: .atMost(1.5)),
        ]
    }

    /// From the start of the hook's process to its end.
    private func hook(_ service: BenchService) async throws -> [Figure] {
        progress.begin("hook")
        let input = scratch.path("hook.json")
        let event =
            #"{"session_id":"bench","cwd":"/home/user/my-project","hook_event_name":"SessionEnd","reason":"other"}"#
        try PrivateFile.replace(input, with: Array(event.utf8))
        var order = SpawnedProgram.Order(
            words: [
                try BenchService.path(), "hook", "claude-code", "--config", service.place.configuration, "--url",
                service.url,
            ], environment: scratch.environment)
        order.input = input
        order.errors = scratch.path("hook.log")
        let clock = ContinuousClock()
        var times = Series()
        for number in 0...hooks {
            let begin = clock.now
            let program = try scratch.start(order)
            let status = await Blocking.run { scratch.wait(for: program) }
            let time = begin.duration(to: clock.now)
            let said = String(decoding: FileManager.default.contents(atPath: order.errors) ?? Data(), as: UTF8.self)
            guard status == 0, said.isEmpty else {
                throw CommandFailure(message: "the hook failed: \(said.printableLines)", mend: "")
            }
            // The first finds the program on disk.
            if number > 0 { times.add(time / .microseconds(1)) }
            progress.show(number, of: hooks)
        }
        return [
            Figure(
                "hook_p50_us", "hook claude-code, whole process, median", times.median, .microseconds,
                target: .atMost(30_000)),
            Figure("hook_max_us", "hook claude-code, whole process, longest", times.max, .microseconds),
        ]
    }

    /// From a start to the ready line, after the service was killed with commits in its log.
    private func start(_ service: BenchService, _ bodies: inout SessionBodies) async throws -> [Figure] {
        var service = service
        var times = Series()
        for number in 1...starts {
            progress.begin("start \(number) of \(starts)")
            _ = try await send(
                LoadPlan(connections: connections, limit: .requests(Self.requestsBeforeKill)), to: service, &bodies)
            service.kill()
            service = try await BenchService.start(service.place, in: scratch)
            times.add(service.startTime / .microseconds(1))
        }
        service.kill()
        return [
            Figure(
                "start_p50_us", "start to ready after SIGKILL, median", times.median, .microseconds,
                target: .atMost(500_000)),
            Figure("start_max_us", "start to ready after SIGKILL, longest", times.max, .microseconds),
        ]
    }
}
