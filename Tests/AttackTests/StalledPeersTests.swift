import EventQueueHTTP
import Foundation
import Synchronization
import Testing

extension AttackTests {
    /// Peers that stall, hundreds of them: the others are served, and the service ends when it is told to.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct StalledPeersTests {
        /// Twenty kinds of luck, and no more than a few seconds.
        private static let requests = 300

        @Test func `a good sender is answered within a second beside 500 stalled sockets`() async throws {
            let service = try await ServiceProcess.start(in: Scratch())
            let peers = try StalledPeers(port: service.port, token: Self.token(service))
            let times = try await Self.onThread { [port = service.port] in
                try (0..<Self.requests).map { number in
                    try ContinuousClock().measure {
                        // Each over a connection of its own, because getting in is what peers can prevent.
                        let reply = try KeptConnection(port: port).post("/webhook/claude-code", body: Self.body(number))
                        guard reply.status == 200 else { throw Unexpected("answered \(reply.status)") }
                    }
                }.sorted()
            }
            peers.release()
            let (middle, late) = (times[times.count / 2], times[times.count * 99 / 100])
            print(
                "stalled: \(StalledPeers.count) sockets, p50 \(middle), p99 \(late), longest \(times[times.count - 1])")
            #expect(late < .seconds(1))
            #expect(await service.stop() == 0)
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func `a signal ends the service in time beside 500 stalled sockets, and loses nothing`(signal: Int32)
            async throws
        {
            let scratch = try Scratch()
            let service = try await ServiceProcess.start(in: scratch)
            let peers = try StalledPeers(port: service.port, token: Self.token(service))
            let sending = Senders(port: service.port)
            try await sending.acknowledged.first { $0 >= 50 ? () : nil }
            let began = ContinuousClock.now
            service.child.send(signal: signal)
            #expect(await service.child.waitForExit() == 0)
            #expect(ContinuousClock.now - began < .seconds(10))
            let ids = try await sending.ids()
            peers.release()
            try await Self.expect(ids, in: scratch)
        }

        @Test func `a second signal ends the service at once, and loses nothing`() async throws {
            let scratch = try Scratch()
            let service = try await ServiceProcess.start(in: scratch)
            let peers = try StalledPeers(port: service.port, token: Self.token(service), count: 100)
            let sending = Senders(port: service.port)
            try await sending.acknowledged.first { $0 >= 50 ? () : nil }
            service.child.send(signal: SIGTERM)
            // Two signals of a kind that nobody has taken yet are one.
            while !service.standardError.contains(#""message":"stopping""#) { await Task.yield() }
            let began = ContinuousClock.now
            service.child.send(signal: SIGTERM)
            #expect(await service.child.waitForExit() == 1)
            // Of the five seconds that the stalled sockets would have been waited for.
            #expect(ContinuousClock.now - began < .seconds(3))
            let ids = try await sending.ids()
            peers.release()
            try await Self.expect(ids, in: scratch)
        }

        // MARK: Helpers

        /// Senders that post one event after the other until the service is gone.
        private final class Senders: Sendable {
            let acknowledged = Watched(0)
            private let stored = Mutex<[String]>([])
            private let ended = Watched(0)
            private static let count = 4

            init(port: Int) {
                for sender in 0..<Self.count {
                    Thread.detachNewThread {
                        self.send(as: sender, to: port)
                        self.ended.change { $0 += 1 }
                    }
                }
            }

            private func send(as sender: Int, to port: Int) {
                var number = sender * 1_000_000
                let connection = KeptConnection(port: port)
                var failures = 0
                // A connection that gave way for another is no end of the service; many in a row are.
                while failures < 20 {
                    guard
                        let reply = try? connection.post("/webhook/claude-code", body: StalledPeersTests.body(number)),
                        reply.status == 200
                    else {
                        failures += 1
                        connection.hangUp()
                        continue
                    }
                    failures = 0
                    number += 1
                    if let id = try? Answer(String(decoding: reply.body, as: UTF8.self))["event_id"].text {
                        stored.withLock { $0.append(id) }
                    }
                    acknowledged.change { $0 += 1 }
                }
            }

            /// The ids that were acknowledged, once nobody sends any more.
            func ids() async throws -> Set<String> {
                try await ended.first { $0 == Self.count ? () : nil }
                return Set(stored.withLock { $0 })
            }
        }

        /// Everything that was acknowledged is there, and the lock is free.
        private static func expect(_ ids: Set<String>, in scratch: Scratch) async throws {
            let next = try await ServiceProcess.start(in: scratch)
            var found: Set<String> = []
            var checkpoint = "null"
            while true {
                let reply = try await next.client().send(
                    "POST", "/v1/consumers/checker/sources/claude-code/poll",
                    body: Array(#"{"checkpoint":\#(checkpoint),"limit":1000}"#.utf8), timeout: .seconds(60))
                let answer = try Answer(reply.text)
                let events = answer["events"].list.map { $0["id"].text }
                if events.isEmpty { break }
                found.formUnion(events)
                checkpoint = "\"\(answer["checkpoint"].text)\""
            }
            #expect(ids.count >= 50)
            #expect(ids.isSubset(of: found), "\(ids.subtracting(found).count) of \(ids.count) are lost")
            #expect(await next.stop() == 0)
        }

        private static func body(_ number: Int) -> [UInt8] {
            Array(#"{"session_id":"s\#(number)","working_directory":"/w","duration_seconds":1,"exit_status":0}"#.utf8)
        }

        private static func token(_ service: ServiceProcess) throws -> String {
            String(decoding: try service.scratch.read("state/orgloop-queue/token"), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private static func onThread<Result: Sendable>(
            _ work: @escaping @Sendable () throws -> Result
        ) async throws -> Result {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Swift.Result { try work() }) }
            }
        }
    }
}
