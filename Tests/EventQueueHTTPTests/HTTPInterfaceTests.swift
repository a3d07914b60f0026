import EventQueue
import Foundation
import Testing

@testable import EventQueueHTTP

/// The article "The HTTP interface" says what the service does.
@Suite(.timeLimit(.minutes(2))) struct HTTPInterfaceTests {
    @Test func `every call of the article is a route, and takes the method`() throws {
        let calls = try InterfaceArticle().calls
        #expect(calls.count > 20)
        for call in calls {
            let route = Route(target: call.path)
            #expect(route.methods.contains(call.method), "\(call.method) \(call.path)")
            #expect(route.needsToken == call.path.hasPrefix("/v1/"), "\(call.path)")
        }
        let labels = Set(calls.map { Route(target: $0.path).label })
        let all: Set = [
            "session", "poll", "settle", "resume", "replays", "events", "import", "prune", "drop", "quarantine",
            "status", "reload", "health",
        ]
        #expect(labels == all)
    }

    @Test func `every code that a call may be refused with stands in the article, and no other`() throws {
        let article = try InterfaceArticle()
        let refusals = Set(ProtocolRefusal.allCases.map(\.code))
        let written = try Self.codesInSources()
        let stores: Set = ["disk_full", "over_quota", "unavailable", "broken", "damaged"]
        let rejections: Set = ["invalid_json", "missing_field", "missing_header"]
        #expect(Set(article.codes) == refusals.union(written).union(stores).union(rejections))
    }

    @Test func `each answer has the members that the article names, and no others`() async throws {
        let article = try InterfaceArticle()
        try await TestService.run { service in
            let scene = try await Scene(service)
            let reader = Task {
                for await _ in service.reloads.orders {
                    await service.reloads.carryOut { (Reloads.Report(at: .now(), result: .applied(changes: [])), ()) }
                }
            }
            defer { reader.cancel() }
            for call in article.calls where call.path.hasPrefix("/v1/") {
                let (path, body) = try await scene.example(of: call)
                let reply = try await service.client.send(call.method, path, body: Array(body.utf8))
                #expect(reply.status == 200, "\(call.method) \(path): \(reply.text)")
                let members = Set(reply.json.keys)
                #expect(members.isSuperset(of: call.members), "\(path) lacks \(call.members.subtracting(members))")
                let all = call.members.union(call.optionalMembers)
                #expect(members.isSubset(of: all), "\(path) has \(members.subtracting(all)), too")
            }
        }
    }

    /// The codes that the sources of this target write out where they refuse.
    private static func codesInSources() throws -> Set<String> {
        let directory = InterfaceArticle.directory
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".swift") }
        return try files.reduce(into: []) { codes, file in
            let text = try String(contentsOf: directory.appending(path: file), encoding: .utf8)
            for match in text.matches(of: #/[0-9]{3}, "([a-z_]+)",\s+title:/#) { codes.insert(String(match.1)) }
            if text.contains("badRequest(_ detail") { codes.insert("bad_request") }
        }
    }
}

/// A queue in which each call of the article has something to do.
private struct Scene {
    let service: TestService
    let event: String
    /// Waits for no replay.
    let other: String
    let replay: String

    init(_ service: TestService) async throws {
        self.service = service
        event = try await service.deploy(1)
        other = try await service.deploy(2)
        let polled = try await service.call("poll", #"{"checkpoint":null}"#)
        let checkpoint = try #require(polled.json["checkpoint"] as? String)
        #expect(try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#).status == 200)
        let order =
            #"{"consumer":"orgloop","actor":"ada","reason":"r","select":{"source":"deploys","event_ids":["\#(event)"]}}"#
        let reply = try await service.client.send("POST", "/v1/replays", body: Array(order.utf8))
        replay = try #require(reply.json["replay_id"] as? String)
    }

    /// The call's path with real names in it, and a body.
    func example(of call: InterfaceArticle.Call) async throws -> (path: String, body: String) {
        let path = call.path.replacing("/C/", with: "/orgloop/").replacing("/S/", with: "/deploys/")
            .replacing("evt_0000000000000000", with: event).replacing("rpl_0000000000000000", with: replay)
        let note = #""actor":"ada","reason":"a test""#
        switch Route(target: path) {
        case .cursor(_, _, .openSession): return (path, #"{"engine":"test/1","settles":true}"#)
        case .cursor(_, _, .closeSession): return (path, #"{"session":"\#(try await session())"}"#)
        case .cursor(_, _, .poll): return (path, #"{"session":"\#(try await session())","checkpoint":null}"#)
        case .cursor(_, _, .settle):
            return (path, #"{"outcomes":[{"event_id":"\#(event)","outcome":"delivered"}]}"#)
        case .cursor(_, _, .resume): return (path, "{\(note)}")
        case .dropConsumer: return (path, #"{\#(note),"force":true}"#)
        case .replays where call.method == "POST":
            let select = #""select":{"source":"deploys","event_ids":["\#(other)"]}"#
            return (path, #"{"consumer":"orgloop",\#(note),\#(select),"dry_run":true}"#)
        case .prune: return (path, #"{"keep_ms":86400000}"#)
        case .quarantined: return (path.replacing("/1", with: "/\(try await quarantined())"), "")
        case .discard: return (path.replacing("/1/", with: "/\(try await quarantined())/"), "{\(note)}")
        case .retry:
            let number = try await quarantined()
            try mendSource()
            return (path.replacing("/1/", with: "/\(number)/"), "{\(note)}")
        default: return (path, "")
        }
    }

    private func session() async throws -> String {
        let reply = try await service.call("session", #"{"engine":"test/1"}"#)
        return try #require(reply.json["session"] as? String)
    }

    /// The number of a request that is kept because `open` takes sessions, and this is none.
    private func quarantined() async throws -> Int {
        _ = try await service.post("open", #"{"type":"no session"}"#)
        let list = try await service.client.send("GET", "/v1/quarantine?limit=1000")
        let rows = try #require(list.json["quarantine"] as? [[String: Any]])
        return try #require(rows.compactMap { $0["id"] as? Int }.max())
    }

    /// Has `open` take any object from now on.
    private func mendSource() throws {
        let open = Source(
            id: try #require(Source.ID("open")), kind: .webhook(eventTypeField: ["type"]),
            verifier: Verifier(scheme: .none, secrets: []))
        service.sources.replace(with: [open])
    }
}

/// The article as far as it lists calls and codes.
private struct InterfaceArticle {
    /// A row of the table of calls.
    struct Call {
        let method: String
        let path: String
        let members: Set<String>
        /// Those that may be missing.
        let optionalMembers: Set<String>
    }

    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/EventQueueHTTP")

    let calls: [Call]
    let codes: [String]

    init() throws {
        let path = Self.directory.appending(path: "EventQueueHTTP.docc/HTTPInterface.md")
        let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| ") }.map {
                $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            }
        calls = rows.compactMap { row in
            guard let call = row[0].wholeMatch(of: #/`(GET|POST) ([^`]+)`/#), let last = row.last else { return nil }
            let names = last.matches(of: #/`([a-z_0-9]+)`(\?)?/#)
            return Call(
                method: String(call.1), path: String(call.2),
                members: Set(names.filter { $0.2 == nil }.map { String($0.1) }),
                optionalMembers: Set(names.filter { $0.2 != nil }.map { String($0.1) }))
        }
        codes = rows.filter { $0.count == 3 && Int($0[0]) != nil }.flatMap { row in
            row[1].matches(of: #/`([a-z_]+)`/#).map { String($0.1) }
        }
    }
}
