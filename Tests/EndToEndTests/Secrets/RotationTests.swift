import EventQueue
import EventQueueHTTP
import Foundation
import Testing

/// What an operator does with secrets over the years, with the real service.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime, .enabled(if: Tool.has("sqlite3"), "the sqlite3 shell is not installed"))
struct RotationTests {
    @Test func `after a rotation verify and SQL still say with which key a stored request was signed`() async throws {
        let scratch = try Scratch()
        try Self.configure([Self.old], in: scratch)
        let first = try await Self.serve(scratch)
        #expect(try await Self.send(to: first).status == 0)
        #expect(await first.stop() == 0)
        try Self.configure([Self.new, Self.old], in: scratch)
        let second = try await Self.serve(scratch)
        // A sender that was not changed yet, and one that was.
        #expect(try await Self.post(signedBy: Self.old, to: second) == 200)
        #expect(try await Self.send(to: second).status == 0)
        #expect(await second.stop() == 0)
        try Self.configure([Self.new], in: scratch)
        let third = try await Self.serve(scratch)
        #expect(try await Self.post(signedBy: Self.old, to: third) == 401)
        let (old, new) = (Self.keyID(Self.old), Self.keyID(Self.new))
        try await Self.waitUntil("SELECT count(*) FROM secrets WHERE dropped_at IS NOT NULL", is: "1", scratch)

        let text = try await Binary.run(["verify", "--config", "q.yaml"], in: scratch)
        #expect(text.status == 0, "\(text)")
        let line = try #require(text.lines.first { $0.contains(old) }, "\(text.output)")
        let words = line.split(separator: " ").map(String.init)
        #expect(words.prefix(4) == ["a", old, "2", "2"], "\(line)")
        let dropped = try #require(
            try await Self.rows("SELECT dropped_at FROM secrets WHERE key_id = '\(old)'", scratch).first)
        #expect(words.last == dropped)
        #expect(text.lines.contains { $0.hasPrefix("a ") && $0.contains(new) && $0.hasSuffix(" -") })

        let json = try await Binary.run(["verify", "--json", "--config", "q.yaml"], in: scratch)
        let keys = try Answer(json.output)["keys"].list
        #expect(keys.map { $0["key_id"].text } == [old, new])
        #expect(keys.map { $0["standing"].text } == ["dropped", "configured"])
        #expect(keys.map { $0["not_checked"].number } == [2, 0])
        #expect(keys.first?["periods"].list.map { $0["dropped_at"].text } == [dropped])
        #expect(await third.stop() == 0)

        let event = try await Self.rows("SELECT id FROM arrivals ORDER BY seq LIMIT 1", scratch)[0]
        let answer = try await Self.rows(try Self.question(11, event: event), scratch)
        #expect(answer.map { $0.hasPrefix("\(event)\thub\t\(old)\thub\t") && $0.hasSuffix(dropped) } == [true])
        let used = try await Self.rows(try Self.question(12, event: event), scratch)
        #expect(
            used.map { $0.split(separator: "\t").prefix(3).joined(separator: " ") }.sorted()
                == ["a \(new) 1", "a \(old) 2"].sorted())
    }

    @Test func `the same configuration again records nothing, and a source that is gone has its secrets dropped`()
        async throws
    {
        let scratch = try Scratch()
        try Self.configure([Self.old], in: scratch)
        for _ in 0..<2 {
            let service = try await Self.serve(scratch)
            try await Self.waitUntil("SELECT count(*) FROM secrets", is: "1", scratch)
            #expect(await service.stop() == 0)
        }
        #expect(try await Self.rows("SELECT count(*), count(dropped_at) FROM secrets", scratch) == ["1\t0"])
        try scratch.write("sources: [{ id: other, connector: orgloop-event }]", to: "q.yaml")
        let service = try await Self.serve(scratch)
        try await Self.waitUntil("SELECT count(dropped_at) FROM secrets", is: "1", scratch)
        #expect(await service.stop() == 0)
    }

    @Test func `a hook that has the new secret already reaches a service that knows only the old one`() async throws {
        let scratch = try Scratch()
        try Self.configure([Self.old], in: scratch)
        let service = try await Self.serve(scratch)
        try Self.configure([Self.new, Self.old], in: scratch)
        try await Self.waitUntil("SELECT count(*) FROM secrets", is: "1", scratch)
        let run = try await Hook("early").fire(["--config", "q.yaml", "--source", "a"], in: scratch)
        #expect(run.status == 0, "\(run.error)")
        #expect(try await Self.rows("SELECT key_id FROM arrivals", scratch) == [Self.keyID(Self.old)])
        let doctor = try await Binary.run(["doctor", "--config", "q.yaml"], in: scratch)
        #expect(
            doctor.output.contains(
                "a is configured with key \(Self.keyID(Self.new)), \(Self.keyID(Self.old)), and the service runs with "
                    + "key \(Self.keyID(Self.old))"), "\(doctor.output)")
        try Self.configure([Self.old], in: scratch)
        let agreed = try await Binary.run(["doctor", "--config", "q.yaml"], in: scratch)
        #expect(agreed.output.contains("a verifies its requests by hub (key \(Self.keyID(Self.old)))"))
        // Without the old one it is refused, and kept.
        try Self.configure([Self.new], in: scratch)
        let refused = try await Hook("late").fire(["--config", "q.yaml", "--source", "a"], in: scratch)
        #expect(refused.status == 1)
        #expect(refused.error.contains("401"), "\(refused.error)")
        #expect(await service.stop() == 0)
    }

    @Test func `a verb that stands in for a stopped service records nothing about its own configuration`() async throws
    {
        let scratch = try Scratch()
        try Self.configure([Self.old], in: scratch)
        let service = try await Self.serve(scratch)
        try await Self.waitUntil("SELECT count(*) FROM secrets", is: "1", scratch)
        #expect(await service.stop() == 0)
        try Self.configure([Self.new], in: scratch)
        let run = try await Binary.run(["send", "a", "--config", "q.yaml"], in: scratch)
        #expect(run.status == 0, "\(run.error)")
        #expect(
            try await Self.rows("SELECT key_id, dropped_at IS NULL FROM secrets", scratch)
                == ["\(Self.keyID(Self.old))\t1"])
        // The event says its key all the same, and nobody claims to know more.
        let report = try await Binary.run(["verify", "--json"], in: scratch)
        #expect(try Answer(report.output)["keys"].list.map { $0["standing"].text } == ["unknown"])
    }

    // MARK: No secret anywhere

    /// Secrets of every kind, each told apart from everything else by its text.
    private static let secrets = [
        "file": "hush-file-8d1f0c", "old": "hush-old-77aa1e", "inline": "hush-inline-c0ffee",
        "bearer": "hush-bearer-5eed",
        "variable": "hush-variable-0dd", "standard": "whsec_aHVzaC1zdGFuZGFyZC1rZXktZmVlZA==",
    ]

    @Test func `no secret is in the database, in a log, or in what any verb says`() async throws {
        let scratch = try Scratch()
        try scratch.write("\(Self.text("file"))\n\(Self.text("old"))\n", to: "s")
        try scratch.write(Self.everyKind, to: "q.yaml")
        let environment = ["VARIABLE": Self.text("variable")]
        let service = try await ServiceProcess.start(
            in: scratch, ["--config", "q.yaml", "--log-level", "trace"], environment: environment)
        var said: [Binary.Result] = []
        for source in ["file", "inline", "bearer", "variable", "standard"] {
            said.append(
                try await Binary.run(
                    ["send", source, "--config", "q.yaml", "--json"], in: scratch, environment: environment))
            #expect(said.last?.status == 0, "\(source): \(said.last?.error ?? "")")
            // What is refused carries a secret, too: that of another source.
            for header in ["Authorization", "X-Hub-Signature-256", "webhook-signature"] {
                let reply = try await service.client().send(
                    "POST", "/webhook/\(source)", headers: [(header, "Bearer \(Self.text("old"))")],
                    body: Array("{}".utf8))
                #expect(reply.status == 401, "\(source) \(header)")
            }
        }
        try await Self.waitUntil("SELECT count(*) FROM secrets", is: "6", scratch)
        for verb in [
            ["config", "check", "q.yaml"], ["config", "check", "q.yaml", "--json"], ["status", "--json"], ["doctor"],
            ["verify"], ["verify", "--json"], ["events", "--json"], ["export", "--output", "state/export"],
        ] {
            let config = verb[0] == "config" ? [] : ["--config", "q.yaml"]
            said.append(try await Binary.run(verb + config, in: scratch, environment: environment))
        }
        // Key ids are everywhere, or the search would find nothing at all.
        let places = try Self.places(in: scratch, said)
        #expect(places.count { $0.content.range(of: Data(Self.keyID(Self.text("old")).utf8)) != nil } > 3)
        // While it runs, what is in the WAL belongs to the database.
        try Self.expectNoSecret(in: scratch, said)
        #expect(await service.stop() == 0)
        try Self.expectNoSecret(in: scratch, said + [.init(status: 0, output: "", error: service.standardError)])
        #expect(service.standardError.contains("a secret is in use from now on"))
    }

    @Test func `a configuration that is refused does not tell what it holds`() async throws {
        let scratch = try Scratch()
        let yaml = Self.everyKind
            .replacing("secret: \(Self.text("inline"))", with: "secret: [\(Self.text("inline"))]")
            .replacing("scheme: bearer", with: "scheme: standard-webhooks")
            .replacing("secret_file: s", with: "secret_file: s, secret: \(Self.text("old"))")
        try scratch.write(String(repeating: Self.text("file") + "\n", count: 9), to: "s")
        try scratch.write(yaml, to: "q.yaml")
        let environment = ["VARIABLE": Self.text("variable")]
        for verb in [
            ["config", "check", "q.yaml"], ["config", "check", "q.yaml", "--json"], ["serve", "--config", "q.yaml"],
        ] {
            let run = try await Binary.run(verb, in: scratch, environment: environment)
            #expect(run.status == 1)
            #expect((run.output + run.error).contains("secret_file"))
            try Self.expectNoSecret(in: scratch, [run])
        }
    }

    private static var everyKind: String {
        """
        sources:
          - { id: file, connector: orgloop-event, config: { secret_file: s } }
          - { id: inline, connector: "@orgloop/connector-webhook", config: { secret: \(text("inline")) } }
          - id: bearer
            connector: "@orgloop/connector-webhook"
            config: { secret: \(text("bearer")), scheme: bearer }
          - { id: variable, connector: "@orgloop/connector-github-webhook", config: { secret: "${VARIABLE}" } }
          - id: standard
            connector: "@orgloop/connector-webhook"
            config: { secret: "\(text("standard"))", scheme: standard-webhooks }
        """
    }

    private static func text(_ name: String) -> String { secrets[name] ?? "" }

    /// What the verbs said, and every file of the service.
    private static func places(in scratch: Scratch, _ said: [Binary.Result]) throws -> [(name: String, content: Data)] {
        var places = said.flatMap { [("output", Data($0.output.utf8)), ("error", Data($0.error.utf8))] }
        let state = scratch.path + "/state"
        for case let name as String in FileManager.default.enumerator(atPath: state) ?? .init() {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(state)/\(name)", isDirectory: &isDirectory)
            if !isDirectory.boolValue { places.append((name, try Data(contentsOf: URL(filePath: "\(state)/\(name)")))) }
        }
        return places
    }

    /// Looks for every secret as it is, in base64 and in hexadecimal digits.
    private static func expectNoSecret(in scratch: Scratch, _ said: [Binary.Result]) throws {
        let places = try places(in: scratch, said)
        for (kind, text) in secrets {
            let key = Data(base64Encoded: text.replacing("whsec_", with: "")) ?? Data(text.utf8)
            let spellings = [
                Data(text.utf8), key, Data(key.base64EncodedString().utf8), Data(hexadecimal(Array(key)).utf8),
            ]
            for (place, content) in places {
                #expect(!spellings.contains { content.range(of: $0) != nil }, "the secret \(kind) is in \(place)")
            }
        }
    }

    // MARK: Helpers

    private static let (old, new) = ("hush-old-77aa1e", "hush-new-1e77aa")

    /// Puts the secrets of the source `a` in place, the new one first.
    private static func configure(_ secrets: [String], in scratch: Scratch) throws {
        try scratch.write(secrets.joined(separator: "\n") + "\n", to: "s")
        try scratch.write(
            "listen: 127.0.0.1:9\nsources: [{ id: a, connector: '@orgloop/connector-webhook', config: { secret_file: s } }]",
            to: "q.yaml")
    }

    private static func serve(_ scratch: Scratch) async throws -> ServiceProcess {
        try await ServiceProcess.start(in: scratch, ["--config", "q.yaml"])
    }

    private static func send(to service: ServiceProcess) async throws -> Binary.Result {
        try await service.run(["send", "a", "--config", "q.yaml"])
    }

    private static func post(signedBy text: String, to service: ServiceProcess) async throws -> Int {
        let body = Array(#"{"type":"test"}"#.utf8)
        let secret = try #require(Secret(text))
        let proof = Verifier.Scheme.hub.proof(of: body, by: secret, id: "", at: .now())
        return try await service.client().send(
            "POST", "/webhook/a", headers: proof.map { ($0.name, $0.value) }, body: body
        ).status
    }

    private static func keyID(_ text: String) -> String { Secret(text)?.keyID ?? "" }

    private static func rows(_ sql: String, _ scratch: Scratch) async throws -> [String] {
        try await SQLiteShell.rows(sql, of: scratch.database, in: scratch)
    }

    /// The start does not wait for the record.
    private static func waitUntil(_ sql: String, is answer: String, _ scratch: Scratch) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await rows(sql, scratch) != [answer] {
            try #require(ContinuousClock.now < deadline, "\(sql) never was \(answer)")
        }
    }

    private static func question(_ number: Int, event: String) throws -> String {
        let question = try AuditArticle.questions().first { $0.description.hasPrefix("\(number). ") }
        return try #require(question).sql(event: event, since: "2026-01-01T00:00:00.000Z")
    }
}
