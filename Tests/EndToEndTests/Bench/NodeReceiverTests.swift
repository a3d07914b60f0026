import EventQueue
import EventQueueHTTP
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// The receiver that the queue is compared with does the work that it claims to do.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime, .enabled(if: Tool.has("node"), "node is not installed"))
struct NodeReceiverTests {
    @Test(arguments: [[], ["--fsync"], ["--grouped"], ["--grouped", "--fsync"]])
    func `what it acknowledges is in its file, and nothing else`(_ flags: [String]) async throws {
        let scratch = try Scratch()
        let client = try await Self.start(flags, in: scratch)
        var ids: [String] = []
        for number in 0..<20 {
            let reply = try await Self.post(#"{"session_id":"\#(number)"}"#, secret: "s3cret", to: client)
            #expect(reply.status == 200)
            ids.append(try Answer(reply.text)["event_id"].text)
        }
        let body = #"{"session_id":"forged"}"#
        #expect(try await Self.post(body, secret: "wrong", to: client).status == 401)
        #expect(try await Self.post(body, secret: nil, to: client).status == 401)
        #expect(try await Self.post("{", secret: "s3cret", to: client).status == 400)
        #expect(try await client.send("GET", "/").status == 405)
        let lines = String(decoding: try scratch.read("events.jsonl"), as: UTF8.self).split(separator: "\n")
        #expect(try lines.map { try Answer(String($0))["id"].text } == ids)
        #expect(try lines.map { try Answer(String($0))["payload"]["session_id"].text } == (0..<20).map(String.init))
    }

    @Test(
        .enabled(if: Tool.has("strace"), "strace is not installed"),
        arguments: [["--fsync"], ["--grouped", "--fsync"]])
    func `with fsync nothing is answered that was not synced`(_ flags: [String]) async throws {
        guard await Tool.canTrace() else { return }
        let scratch = try Scratch()
        try scratch.write(String(decoding: PackageResources.receiver_mjs, as: UTF8.self), to: "receiver.mjs")
        let node = try ChildProcess(
            Tool.path("strace"),
            [
                "-f", "-e", "trace=execve,fdatasync", "-o", "trace", Tool.path("node"), "receiver.mjs", "events.jsonl",
            ] + flags,
            in: scratch, environment: ["RECEIVER_SECRET": "s3cret"])
        let client = try await Self.client(node)
        // It outlives the strace that a test ends; the line of its start has its number.
        let first = String(decoding: try scratch.read("trace"), as: UTF8.self).prefix { $0.isNumber }
        let processID = try #require(pid_t(first))
        defer { kill(processID, SIGKILL) }
        for number in 1...3 {
            let reply = try await Self.post(#"{"session_id":"s"}"#, secret: "s3cret", to: client)
            #expect(reply.status == 200)
            let trace = String(decoding: try scratch.read("trace"), as: UTF8.self)
            #expect(trace.components(separatedBy: "fdatasync").count > number)
        }
    }

    private static func start(_ flags: [String], in scratch: Scratch) async throws -> Receiver {
        try scratch.write(String(decoding: PackageResources.receiver_mjs, as: UTF8.self), to: "receiver.mjs")
        let node = try ChildProcess(
            Tool.path("node"), ["receiver.mjs", "events.jsonl"] + flags, in: scratch,
            environment: ["RECEIVER_SECRET": "s3cret"])
        return try await client(node)
    }

    /// A receiver for as long as somebody calls it.
    private struct Receiver {
        let node: ChildProcess
        let client: QueueClient

        func send(
            _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
        ) async throws -> QueueClient.Reply {
            try await client.send(method, path, headers: headers, body: body)
        }
    }

    private static func client(_ node: ChildProcess) async throws -> Receiver {
        let url = try #require(await node.readLine()?.split(separator: " ").last.map(String.init))
        return Receiver(node: node, client: try QueueClient(url: url))
    }

    private static func post(_ body: String, secret: String?, to receiver: Receiver) async throws -> QueueClient.Reply {
        let proof = secret.flatMap { Secret($0) }.map {
            Verifier.Scheme.hub.proof(of: Array(body.utf8), by: $0, id: "", at: .now())
        }
        return try await receiver.send(
            "POST", "/webhook/claude-code", headers: (proof ?? []).map { ($0.name, $0.value) }, body: Array(body.utf8))
    }
}
