import EventQueueHTTP
import Foundation
import Testing

/// An OrgLoop project with a `buffer_dir`, and the service that takes its place.
struct BufferProject {
    let scratch: Scratch
    /// The directory of the buffers, as the configuration names it.
    let buffer: String
    let flags = ["--config", "orgloop.yaml"]

    init() throws {
        scratch = try Scratch()
        buffer = scratch.path + "/buffer"
        try scratch.write(
            """
            apiVersion: orgloop/v1alpha1
            kind: Project
            metadata: { name: seed }
            connectors: [claude-code.yaml]
            """, to: "orgloop.yaml")
        try scratch.write(
            """
            apiVersion: orgloop/v1alpha1
            kind: ConnectorGroup
            sources:
              - id: claude-code
                connector: "@orgloop/connector-claude-code"
                config:
                  buffer_dir: ./buffer
                poll:
                  interval: "30s"
            """, to: "claude-code.yaml")
    }

    func write(_ lines: [String], to name: String = "claude-code-claude-code.jsonl") throws {
        try FileManager.default.createDirectory(atPath: buffer, withIntermediateDirectories: true)
        try scratch.write(lines.map { $0 + "\n" }.joined(), to: "buffer/\(name)")
    }

    func start() async throws -> ServiceProcess { try await ServiceProcess.start(in: scratch, flags) }

    /// Everything that the reader `me` has not had yet, from the service or from the database alone.
    func poll() async throws -> [String] {
        let run = try await Binary.run(
            ["poll", "claude-code", "--limit", "1000", "--consumer", "me"] + flags, in: scratch)
        #expect(run.status == 0, "\(run.error)")
        return run.lines
    }

    /// What `doctor` says of the buffers.
    func findings(of service: ServiceProcess?) async throws -> [(level: String, finding: String, mend: String?)] {
        let url = service.map { ["--url", $0.url] } ?? []
        let run = try await Binary.run(["doctor", "--json"] + flags + url, in: scratch)
        return try Answer(run.output)["findings"].list.filter { $0["check"].text == "buffer" }.map {
            ($0["level"].text, $0["finding"].text, $0["mend"].value as? String)
        }
    }

    /// Every file of the buffers: its bytes, and when it was last written.
    func files() throws -> [String: [AnyHashable]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: buffer)
        return try Dictionary(
            uniqueKeysWithValues: names.map { name in
                let facts = try FileManager.default.attributesOfItem(atPath: buffer + "/" + name)
                let date = try #require(facts[.modificationDate] as? Date)
                return (name, [try scratch.read("buffer/" + name), date])
            })
    }

    /// Waits until some events of the buffer are stored.
    ///
    /// - Returns: How many.
    func untilSomeIsStored(by service: ServiceProcess) async throws -> Int {
        let client = try service.client()
        while true {
            let reply = try await client.send("GET", "/v1/status")
            let events = try Answer(reply.text)["sources"].list.compactMap { $0["events"].number }.reduce(0, +)
            if events > 0 { return events }
        }
    }
}

extension ServiceProcess {
    /// The lines of its log that have `text`.
    func logged(_ text: String) -> [String] {
        standardError.split(separator: "\n").map(String.init).filter { $0.contains(text) }
    }

    /// Waits until `text` was logged so many times.
    func untilLogged(_ text: String, times: Int = 1) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while logged(text).count < times {
            guard ContinuousClock.now < end else {
                Issue.record("'\(text)' is not in the log: \(standardError)")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
