import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// `bench ingest` measures what it says, and leaves nothing behind.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct BenchIngestTests {
    @Test func `a number of requests into a service of its own is measured and cleared away`() async throws {
        let scene = try BenchScene()
        let run = try await scene.run(["ingest", "--requests", "200", "--connections", "8", "--json"])
        #expect(run.status == 0, "\(run.error)")
        #expect(BenchScene.unexpectedWords(run) == [])
        let answer = try Answer(run.output)
        #expect(answer["requests"].number == 200)
        #expect(answer["unexpected"].number == 0)
        #expect(answer["connections"].number == 8)
        #expect(answer["requests_asked"].number == 200)
        #expect(answer["version"].text == OrgLoopQueue.version)
        #expect((answer["cores"].number ?? 0) > 0)
        #expect(["debug", "release"].contains(answer["build"].text))
        #expect(run.error.contains("debug build") == (answer["build"].text == "debug"))
        let latencies = ["p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"].map { Self.double(answer[$0]) }
        #expect(latencies.sorted() == latencies)
        #expect(latencies.allSatisfy { $0 > 0 })
        let seconds = Self.double(answer["elapsed_us"]) / 1_000_000
        #expect(abs(Self.double(answer["requests_per_second"]) * seconds - 200) < 1)
        #expect(scene.left == [])
        #expect(scene.processes == [])
    }

    @Test func `a time of sending prints a table`() async throws {
        let scene = try BenchScene()
        let run = try await scene.run(["ingest", "--seconds", "0.2", "--connections", "2"])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.lines.first == "ingest by 2 connections into a service of its own")
        #expect(run.output.contains("requests a second"))
        #expect(run.output.contains("latency, p99.9"))
        #expect(scene.left == [])
    }

    @Test func `a service that is named gets each event once and is left running`() async throws {
        let service = try await ServiceProcess.start(in: Scratch(), environment: Self.secret)
        let run = try await Self.bench(
            service, ["--requests", "150", "--secret-variable", "OTHER"], ["OTHER": "s3cret"])
        #expect(run.status == 0, "\(run.error)")
        #expect(try Answer(run.output)["requests"].number == 150)
        #expect(try Answer(run.output)["service_cpu_us_per_request"].isNull || !run.output.contains("service_cpu"))
        let status = try Answer(try await service.run(["status", "--json"]).output)
        #expect(status["sources"].list.first?["events"].number == 150)
        #expect(await service.stop() == 0)
    }

    @Test func `a wrong secret fails in the words of the service and stores nothing`() async throws {
        let service = try await ServiceProcess.start(in: Scratch(), environment: Self.secret)
        for flags in [["--secret-variable", "OTHER"], []] {
            let run = try await Self.bench(service, ["--requests", "10"] + flags, ["OTHER": "wrong"])
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.error.contains("10 unexpected answers"))
            #expect(run.error.contains("401"))
            #expect(run.error.contains("Invalid signature"))
        }
        let status = try Answer(try await service.run(["status", "--json"]).output)
        #expect(status["sources"].list.first?["events"].number == 0)
        #expect(await service.stop() == 0)
    }

    @Test func `a variable that is not set, and a service that is not there, are told`() async throws {
        let scratch = try Scratch()
        let unset = try await Binary.run(
            ["bench", "ingest", "--url", "http://127.0.0.1:1", "--secret-variable", "NOT_SET"], in: scratch)
        #expect(unset.status == 1)
        #expect(unset.error.contains("NOT_SET is not set"))
        let away = try await Binary.run(["bench", "ingest", "--url", "http://127.0.0.1:1"], in: scratch)
        #expect(away.status == 1)
        #expect(away.error.contains("cannot connect to 127.0.0.1:1"))
    }

    @Test func `a directory that is not there is refused and not made`() async throws {
        let scratch = try Scratch()
        let missing = scratch.path + "/missing"
        let run = try await Binary.run(["bench", "ingest", "--requests", "1", "--directory", missing], in: scratch)
        #expect(run.status == 1)
        #expect(run.error.contains("\(missing) is not a directory"))
        #expect(!FileManager.default.fileExists(atPath: missing))
    }

    @Test func `a time too short to measure anything is refused`() async throws {
        let run = try await BenchScene().run(["ingest", "--seconds", "0.001"])
        #expect(run.status == 2)
        #expect(run.error.contains("--seconds is 0.01 to 3600"))
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGQUIT])
    func `a signal ends the service and takes the scratch directory away`(_ signal: Int32) async throws {
        let scene = try BenchScene()
        let bench = try ChildProcess(
            Binary.path(), scene.arguments(["ingest", "--seconds", "600"]), in: scene.scratch)
        let directory = try await scene.directory(having: "service/token")
        bench.send(signal: signal)
        #expect(await bench.waitForExit() == -signal)
        #expect(!FileManager.default.fileExists(atPath: directory))
        #expect(scene.left == [])
        #expect(scene.processes == [])
    }

    private static let secret = ["CLAUDE_CODE_WEBHOOK_SECRET": "s3cret"]

    private static func bench(
        _ service: ServiceProcess, _ arguments: [String], _ environment: [String: String]
    ) async throws -> Binary.Result {
        try await Binary.run(
            ["bench", "ingest", "--connections", "4", "--json", "--url", service.url] + arguments, in: service.scratch,
            environment: environment)
    }

    private static func double(_ answer: Answer) -> Double { (answer.value as? NSNumber)?.doubleValue ?? .nan }
}
