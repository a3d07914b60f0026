import Foundation
import Testing

/// The benches that fill databases or start others; what they measure is the machine's affair, that they do it is ours.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct BenchRunTests {
    @Test func `latency is told beside what one fdatasync takes, with the difference`() async throws {
        let answer = try await Self.run(["latency", "--requests", "54"])
        #expect(answer["requests"].number == 54)
        let (latency, sync) = (Self.double(answer["p50_us"]), Self.double(answer["fdatasync_p50_us"]))
        #expect(latency > 0 && sync > 0 && Self.double(answer["append_fdatasync_p50_us"]) > 0)
        #expect(abs(Self.double(answer["added_us"]) - (latency - sync)) < 0.01)
        #expect(answer["targets"]["added_us"]["at_most"].number == 400)
    }

    @Test(arguments: [(1000, 500, 3), (1234, 500, 4), (3, 500, 2), (7, 1, 8)])
    func `drain hands over every event once, and the last poll is empty`(
        _ pending: Int, _ limit: Int, _ polls: Int
    ) async throws {
        let answer = try await Self.run(["drain", "--pending", "\(pending)", "--limit", "\(limit)"])
        #expect(answer["events"].number == pending)
        #expect(answer["polls"].number == polls)
        #expect(answer["targets"]["events_per_second"]["at_least"].number == 100_000)
    }

    @Test func `scale tells each figure of the issue with its target`() async throws {
        let answer = try await Self.run([
            "scale", "--events", "3000", "--small", "100", "--rounds", "1", "--seconds", "0.2", "--connections", "4",
            "--polls", "2", "--hooks", "1", "--starts", "1",
        ])
        for (figure, bound) in [
            ("ingest_ratio", "at_least"), ("poll_p99_ratio", "at_most"), ("start_p50_us", "at_most"),
            ("hook_p50_us", "at_most"),
        ] {
            #expect(Self.double(answer[figure]) > 0, "\(figure)")
            #expect(Self.double(answer["targets"][figure][bound]) > 0, "\(figure)")
        }
        #expect(answer["events"].number == 3000)
    }

    @Test func `compare measures the service, a bare server, and those that are installed`() async throws {
        let answer = try await Self.run(["compare", "--rounds", "1", "--seconds", "0.2", "--connections", "4"])
        let peers = answer["peers"].list
        #expect(peers.first?["name"].text == "orgloop-queue")
        #expect(peers.last?["name"].text == "bare SwiftNIO")
        #expect(peers.allSatisfy { Self.double($0["requests_per_second"]) > 0 })
        #expect(peers.allSatisfy { Self.double($0["elapsed_seconds"]) > 0 })
        #expect(peers.dropFirst().allSatisfy { Self.double($0["ratio"]) > 0 })
        // The issue's bounds are about receivers that write each line by itself.
        #expect(peers.dropFirst().allSatisfy { ($0["reached"].value == nil) == $0["name"].text.hasSuffix("grouped") })
        #expect(peers.allSatisfy { Self.double($0["generator_busy"]) > 0 })
        #expect(answer["bench"].text == "compare")
        let missing = answer["left_out"].list.map { $0["missing"].text }
        #expect(missing.filter { $0 == "node" }.count == (Tool.has("node") ? 0 : 4))
        #expect(missing.contains("redis-server") != Tool.has("redis-server"))
        #expect(peers.count + missing.count == 7)
    }

    @Test func `a peer that is not installed is left out, with a word`() async throws {
        let scene = try BenchScene()
        let run = try await Binary.run(
            scene.arguments(["compare", "--rounds", "1", "--seconds", "0.1", "--connections", "2"]), in: scene.scratch,
            environment: ["PATH": "/nonexistent"])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("left out: Node, fsync, because node is not installed"))
        #expect(run.output.contains("left out: Redis Streams, fsync, because redis-server is not installed"))
        #expect(run.output.contains("bare SwiftNIO"))
    }

    private static func run(_ arguments: [String]) async throws -> Answer {
        let scene = try BenchScene()
        let run = try await scene.run(arguments + ["--json"])
        #expect(run.status == 0, "\(run.error)")
        #expect(BenchScene.unexpectedWords(run) == [])
        #expect(scene.left == [])
        #expect(scene.processes == [])
        return try Answer(run.output)
    }

    private static func double(_ answer: Answer) -> Double { (answer.value as? NSNumber)?.doubleValue ?? .nan }
}
