import Dispatch
import Foundation
import Synchronization
import Testing

extension AttackTests {
    /// Broken requests of every kind, thousands of them, over the network.
    ///
    /// `ORGLOOP_QUEUE_ATTACKS=100000` sends more; `ORGLOOP_QUEUE_FUZZ_SEED` repeats a run.
    @Suite(.timeLimit(.minutes(60)), .enabled(if: Footprint.isKnown, "this machine has no /proc"))
    struct MutatedRequestTests {
        private static let wanted = ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_ATTACKS"].flatMap { Int($0) }
        /// So few that a batch seldom takes as much as one request may.
        private static let batch = 40
        private static let lanes = 4
        /// What one request may take.
        private static let cpuMax: Duration = .milliseconds(250)
        /// What all bodies together may take in memory, which an attacker may have filled, and as much again for what the
        /// allocator keeps of it.
        private static let growthMax = 128 << 20

        @Test func `no broken request crashes the service, takes long or leaves memory behind`() async throws {
            let count = Self.wanted ?? 3000
            let seed =
                ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_FUZZ_SEED"].flatMap { UInt64($0) }
                ?? UInt64.random(in: 1...UInt64.max)
            let service = try await ServiceProcess.start(in: Scratch())
            let token = String(decoding: try service.scratch.read("state/orgloop-queue/token"), as: UTF8.self)
            let generator = RequestGenerator(
                random: SeededRandom(seed: seed), token: token.trimmingCharacters(in: .whitespacesAndNewlines))
            var statuses: [String: Int] = [:]
            // What it takes once it has met a few of everything is what it is compared with.
            try await Self.send((0..<200).map { _ in generator.next() }, to: service.port, counting: &statuses)
            let before = try Footprint(of: service.processID)
            var dearest = Duration.zero
            for _ in 0..<(count / Self.batch) {
                let requests = (0..<Self.batch).map { _ in generator.next() }
                let cost = try await Self.cost(of: requests, service, counting: &statuses)
                if cost > Self.cpuMax, let (request, cost) = try await Self.culprit(in: requests, service) {
                    Issue.record("\(cost) of CPU, ORGLOOP_QUEUE_FUZZ_SEED=\(seed): \(Self.printed(request))")
                }
                dearest = max(dearest, cost)
            }
            let after = try Footprint(of: service.processID)
            let growth = after.residentBytes - before.residentBytes
            print(
                "attack: seed \(seed), \(count) requests, answers \(statuses.sorted { $0.key < $1.key }), "
                    + "\(before.residentBytes >> 20) MiB before and \(after.residentBytes >> 20) MiB after, "
                    + "\(before.descriptors) descriptors before and \(after.descriptors) after, "
                    + "dearest \(Self.batch) requests \(dearest)")
            #expect(growth < Self.growthMax, "seed \(seed)")
            #expect(after.descriptors <= before.descriptors + 8, "seed \(seed)")
            #expect(statuses["500"] == nil, "seed \(seed)")
            #expect(Set(statuses.keys).isSuperset(of: ["200", "400", "404"]), "the mutator breaks all, or nothing")
            #expect(try await service.run(["send", "claude-code"]).status == 0)
            #expect(await service.stop() == 0, "seed \(seed)")
            let verified = try await Binary.run(["verify"], in: service.scratch)
            #expect(verified.status == 0, "\(verified.output)")
        }

        /// What the service takes for `requests`, in CPU time.
        private static func cost(
            of requests: [[UInt8]], _ service: ServiceProcess, counting statuses: inout [String: Int]
        ) async throws -> Duration {
            let before = try Footprint.cpu(of: service.processID)
            try await send(requests, to: service.port, counting: &statuses)
            return try Footprint.cpu(of: service.processID) - before
        }

        /// The one of `requests` that alone takes more than it may; `nil` when together they only are many.
        private static func culprit(
            in requests: [[UInt8]], _ service: ServiceProcess
        ) async throws -> (request: [UInt8], cost: Duration)? {
            var statuses: [String: Int] = [:]
            let cost = try await cost(of: requests, service, counting: &statuses)
            guard cost > cpuMax else { return nil }
            if requests.count == 1 { return (requests[0], cost) }
            let half = requests.count / 2
            if let found = try await culprit(in: Array(requests[..<half]), service) { return found }
            return try await culprit(in: Array(requests[half...]), service)
        }

        /// Sends each over a connection of its own and waits for the end of all.
        private static func send(
            _ requests: [[UInt8]], to port: Int, counting statuses: inout [String: Int]
        ) async throws {
            let answers = Mutex<[Result<[UInt8], any Error>]>([])
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    DispatchQueue.concurrentPerform(iterations: lanes) { lane in
                        for number in stride(from: lane, to: requests.count, by: lanes) {
                            let answer = Result {
                                let socket = try RawSocket(port: port)
                                socket.write(requests[number])
                                // So that nobody waits for the rest of what was cut.
                                socket.finish()
                                return try socket.readToEnd()
                            }
                            answers.withLock { $0.append(answer) }
                        }
                    }
                    continuation.resume()
                }
            }
            for answer in answers.withLock({ $0 }) {
                let text = String(decoding: try answer.get().prefix(16), as: UTF8.self)
                statuses[text.hasPrefix("HTTP/1.1 ") ? String(text.dropFirst(9).prefix(3)) : "none", default: 0] += 1
            }
        }

        private static func printed(_ bytes: [UInt8]) -> String {
            String(decoding: bytes.prefix(2000).flatMap { Array("\\x\(String($0, radix: 16))".utf8) }, as: UTF8.self)
        }
    }
}
