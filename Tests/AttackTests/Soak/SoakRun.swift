import EventQueueHTTP
import Foundation
import Synchronization

/// A service that works for long at half of what it can: senders, an engine that polls and settles, retention.
final class SoakRun: Sendable {
    /// What the service had taken at one moment.
    struct Sample: Sendable {
        let second: Double
        let events: Int
        let residentBytes: Int
        let descriptors: Int
        let databaseBytes: Int
        let walBytes: Int

        static let heading = "   time     events    RSS MiB   fds   database MiB   WAL MiB"

        var line: String {
            String(
                format: "%5.0f s %10d %10.1f %5d %14.1f %9.1f", second, events, Self.mebibytes(residentBytes),
                descriptors,
                Self.mebibytes(databaseBytes), Self.mebibytes(walBytes))
        }

        private static func mebibytes(_ bytes: Int) -> Double { Double(bytes) / Double(1 << 20) }
    }

    private static let lanes = 8
    private static let cursor = "/v1/consumers/orgloop/sources/claude-code"
    /// Some sweeps of retention, which come every five seconds, in the shortest useful run.
    private static let configuration = "retention: { keep: 2s }\nconsumers: [{ id: orgloop }]"

    let service: ServiceProcess
    private let sent = Mutex(0)
    private let handled = Mutex(0)
    private let isOver = Mutex(false)

    init() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.configuration, to: "q.yaml")
        service = try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
    }

    /// Events that an engine has polled and settled.
    var eventsHandled: Int { handled.withLock(\.self) }
    var eventsSent: Int { sent.withLock(\.self) }

    /// Events a second when every sender sends as fast as it is answered, while the engine works as it does later.
    func peak(for time: Duration) async throws -> Double {
        let begin = ContinuousClock.now
        let before = eventsSent
        try await send(until: begin + time, every: nil)
        return Double(eventsSent - before) / ((ContinuousClock.now - begin) / .seconds(1))
    }

    /// Sends `rate` events a second for `time` and looks at the service after each `interval`.
    func soak(for time: Duration, rate: Double, each interval: Duration) async throws -> [Sample] {
        let begin = ContinuousClock.now
        async let sending: Void = send(until: begin + time, every: .seconds(1) * Self.lanes / rate)
        var samples: [Sample] = []
        var next = begin + interval
        while next <= begin + time {
            // The one thing that is waited for here is time.
            try await Task.sleep(until: next, clock: .continuous)
            samples.append(try sample((ContinuousClock.now - begin) / .seconds(1)))
            next += interval
        }
        try await sending
        return samples
    }

    private func sample(_ second: Double) throws -> Sample {
        let footprint = try Footprint(of: service.processID)
        return Sample(
            second: second, events: eventsSent, residentBytes: footprint.residentBytes,
            descriptors: footprint.descriptors, databaseBytes: size(service.scratch.database),
            walBytes: size(service.scratch.database + "-wal"))
    }

    private func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    /// Sends from several threads at once; each waits for its answer, and then for its turn.
    private func send(until end: ContinuousClock.Instant, every pause: Duration?) async throws {
        try await withThrowingTaskGroup(of: Void.self) { senders in
            for _ in 0..<Self.lanes {
                senders.addTask {
                    // Dispatch would run as many at once as there are cores, and the others when those have ended.
                    try await withCheckedThrowingContinuation { continuation in
                        Thread.detachNewThread {
                            continuation.resume(with: Result { try self.sendAlone(until: end, every: pause) })
                        }
                    }
                }
            }
            try await senders.waitForAll()
        }
    }

    private func sendAlone(until end: ContinuousClock.Instant, every pause: Duration?) throws {
        let connection = KeptConnection(port: service.port)
        var turn = ContinuousClock.now
        while ContinuousClock.now < end {
            let number = sent.withLock { count in
                count += 1
                return count
            }
            let summary = String(repeating: "done ", count: number % 100)
            let body =
                #"{"session_id":"s\#(number)","working_directory":"/w","duration_seconds":1,"#
                + #""exit_status":0,"summary":"\#(summary)"}"#
            let reply = try connection.post("/webhook/claude-code", body: Array(body.utf8))
            guard reply.status == 200 else { throw Unexpected("a sender got \(reply.status)") }
            guard let pause else { continue }
            turn += pause
            let rest = (turn - ContinuousClock.now) / .seconds(1)
            // Whoever is behind does not make up for it: the service is to be at half of its rate, not at bursts.
            if rest > 0 { Thread.sleep(forTimeInterval: rest) } else { turn = .now }
        }
    }

    /// Polls and settles as an engine does until ``stopEngine()``, and then what is left.
    func engine() async throws {
        let session = try await call("session", #"{"engine":"soak/1","settles":true}"#)["session"].text
        var checkpoint = "null"
        while true {
            let isLast = isOver.withLock(\.self)
            let answer = try await call(
                "poll",
                #"{"checkpoint":\#(checkpoint),"session":"\#(session)","limit":500,"wait_ms":\#(isLast ? 0 : 500)}"#)
            let ids = answer["events"].list.map { $0["id"].text }
            let new = answer["checkpoint"].text
            if !new.isEmpty { checkpoint = "\"\(new)\"" }
            if ids.isEmpty {
                if isLast { return }
                continue
            }
            let outcomes = ids.map { #"{"event_id":"\#($0)","outcome":"delivered"}"# }.joined(separator: ",")
            _ = try await call("settle", #"{"session":"\#(session)","outcomes":[\#(outcomes)]}"#)
            handled.withLock { $0 += ids.count }
        }
    }

    func stopEngine() { isOver.withLock { $0 = true } }

    private func call(_ name: String, _ body: String) async throws -> Answer {
        let reply = try await service.client().send(
            "POST", "\(Self.cursor)/\(name)", body: Array(body.utf8), timeout: .seconds(60))
        guard reply.status == 200 else { throw Unexpected("\(name): \(reply.status) \(reply.text)") }
        return try Answer(reply.text)
    }
}
