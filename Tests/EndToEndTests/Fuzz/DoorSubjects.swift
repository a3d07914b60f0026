import EventQueue
import Foundation

@testable import EventQueueHTTP

/// Host headers at the gate: the address that is listened on, the configured hosts, a header; a line each.
struct GateSubject: FuzzSubject {
    static let corpus = "gate"
    static let words = [
        "\n", ",", ":", "[", "]", "[::1]", "localhost", "127.0.0.1", ".evil.example", "evil.localhost", "@", "%", "K",
        "0:80", ":00080", ":65536", ":-1", ":+80", ".", "LOCALHOST", "\u{212A}", "\u{301}",
    ]

    /// Where the service listens.
    private static let port = 4810

    init(random: SeededRandom) {}

    func generate(_ random: SeededRandom) -> [UInt8]? {
        let hosts = ["queue.local", "queue.local:8080", "10.0.0.7", "[fd00::1]:9", "Queue.Example"]
        func host() -> String { hosts[random.number(in: 0...hosts.count - 1)] }
        let pieces = ["", ".", "x", ":\(Self.port)", ":8080", ":9", "]", " "]
        func piece() -> String { pieces[random.number(in: 0...pieces.count - 1)] }
        return Array("\(host())\n\(host()),\(host())\n\(piece())\(host())\(piece())".utf8)
    }

    func check(_ input: [UInt8]) throws {
        let lines = String(decoding: input, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3 else { return }
        let (listen, presented) = (String(lines[0]), String(lines[2]))
        let hosts = lines[1].split(separator: ",").map(String.init)
        let gate = Gate(listenHost: listen, hosts: hosts)
        gate.isBound(to: Self.port)
        let isLetIn = gate.refusal(hosts: [presented], hasOrigin: false) == nil
        let isKnown = Self.knows(presented, listen: listen, hosts: hosts)
        // Beyond ASCII a colon may be a part of a character, about which the rule says nothing.
        let isPlain = input.allSatisfy { $0 < 0x80 }
        try demand(
            !isPlain || isLetIn == isKnown, isLetIn ? "let in a host that nobody configured" : "refused a known host")
        try demand(gate.refusal(hosts: [presented], hasOrigin: true) != nil, "let a browser in")
        try demand(gate.refusal(hosts: [presented, presented], hasOrigin: false) != nil, "let two hosts in")
        try demand(gate.refusal(hosts: [], hasOrigin: false) != nil, "let in what names no host")
    }

    /// The rule, spelled as a list of what may be written.
    private static func knows(_ presented: String, listen: String, hosts: [String]) -> Bool {
        guard let (name, port) = parts(presented) else { return false }
        if ["localhost", "127.0.0.1", "::1"].contains(name) { return true }
        if name == listen.lowercased(), port == nil || port == Self.port { return true }
        return hosts.compactMap(parts).contains { $0.name == name && ($0.port == nil || $0.port == port) }
    }

    private static func parts(_ text: String) -> (name: String, port: Int?)? {
        // A name in brackets, or one without colons; then perhaps a port, of which only the colon may be there.
        let form = /(?:\[([^\]]+)\]|([^\[:][^:]*))(?::([0-9]*))?/.matchingSemantics(.unicodeScalar)
        guard let match = text.wholeMatch(of: form) else { return nil }
        let name = (match.1 ?? match.2 ?? "").lowercased()
        guard let digits = match.3, !digits.isEmpty else { return (name, nil) }
        return Int(digits).flatMap { $0 < 65_536 ? (name, $0) : nil }
    }
}

/// Request targets.
struct RouteSubject: FuzzSubject {
    static let corpus = "route"
    static let words = [
        "/", "//", "?", "&", "=", "%", "%2F", "%00", "%C3%A9", "%ff", "+", "/webhook/", "/v1/", "/v1", "poll", "..",
        "#",
        "session/close", "/health", "limit=", "\u{301}", "/retry", "consumers/", "sources/",
    ]

    init(random: SeededRandom) {}

    func check(_ input: [UInt8]) throws {
        let target = String(decoding: input, as: UTF8.self)
        let route = Route(target: target)
        let path = String(target.prefix { $0 != "?" })
        if let spelled = Self.spelled(route) { try demand(spelled == path, "\(path) led to \(route)") }
        let isOpen = ["/health", "/ready", "/metrics"].contains(path) || path.hasPrefix("/webhook/")
        // The token is asked for by the path alone: no spelling leads past it.
        try demand(route.needsToken || isOpen || route.methods.isEmpty, "\(path) needs no token")
        try demand(!isOpen || !route.needsToken, "\(path) needs a token")
        let isCall = path == "/v1" || path.hasPrefix("/v1/")
        try demand(!isCall || route.needsToken, "\(path) is not of the consumer API")
        try demand(route.label.utf8.count < 16, "a label that a caller chose")
        try checkQuery(String(target.dropFirst(path.count + 1)))
    }

    /// The path that leads to `route`; `nil` where any does.
    private static func spelled(_ route: Route) -> String? {
        switch route {
        case .webhook(let source): "/webhook/\(source)"
        case .cursor(let consumer, let source, let call):
            "/v1/consumers/\(consumer)/sources/\(source)/\(call.rawValue)"
        case .replays: "/v1/replays"
        case .replay(let id): "/v1/replays/\(id)"
        case .events: "/v1/events"
        case .event(let id): "/v1/events/\(id)"
        case .importLines: "/v1/import"
        case .prune: "/v1/prune"
        case .dropConsumer(let consumer): "/v1/consumers/\(consumer)/drop"
        case .quarantine: "/v1/quarantine"
        case .quarantined(let id): "/v1/quarantine/\(id)"
        case .retry(let id): "/v1/quarantine/\(id)/retry"
        case .discard(let id): "/v1/quarantine/\(id)/discard"
        case .sources: "/v1/sources"
        case .consumers: "/v1/consumers"
        case .status: "/v1/status"
        case .health: "/health"
        case .ready: "/ready"
        case .metrics: "/metrics"
        default: nil
        }
    }

    /// Against a regular expression and Foundation's reading of UTF-8. Its `removingPercentEncoding` would not do: it
    /// reads `%A9`, which is no UTF-8, as U+FFFD, and `%FF` as nothing.
    private func checkQuery(_ text: String) throws {
        var expected: [String: String] = [:]
        var isBroken = false
        for part in text.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let words = halves.map { Self.decoded(String($0)) }
            guard let name = words[0], let value = words.count > 1 ? words[1] : "", expected[name] == nil else {
                isBroken = true
                continue
            }
            expected[name] = value
        }
        let query = Query(text)
        let refusal = Result { try query.check(Set(expected.keys)) }
        try demand((try? refusal.get()) == nil ? isBroken : !isBroken, "the query's form is judged otherwise")
        for (name, value) in expected {
            let found: String? = try query.value(name, "any text") { $0 }
            try demand(found.map { $0.utf8.elementsEqual(value.utf8) } ?? false, "\(name) is another value")
            try demand(isBroken || (try? query.check(Set(expected.keys).subtracting([name]))) == nil, "\(name) passed")
        }
        if let limit = try? query.limit() {
            try demand((1...Limits.pageRowsMax).contains(limit), "a limit of \(limit)")
        }
    }
}

extension RouteSubject {
    private static func decoded(_ text: String) -> String? {
        var bytes = Data()
        for match in text.matches(of: /%([0-9A-Fa-f]{2})|(.)/.dotMatchesNewlines().matchingSemantics(.unicodeScalar)) {
            switch match.output {
            case (_, let digits?, _): bytes.append(contentsOf: [UInt8(digits, radix: 16)].compactMap(\.self))
            case (_, _, "%"?): return nil
            case (_, _, let other): bytes.append(contentsOf: Data((other == "+" ? " " : other ?? "").utf8))
            }
        }
        return String(data: bytes, encoding: .utf8)
    }
}

/// A token and an `Authorization` header, a line each.
struct TokenSubject: FuzzSubject {
    static let corpus = "token"
    static let words = ["\n", " ", "  ", "Bearer ", "bearer ", "BEARER ", "Basic ", "\t", ",", "\u{0}", "é"]

    init(random: SeededRandom) {}

    func generate(_ random: SeededRandom) -> [UInt8]? {
        let token = (0..<random.number(in: 1...40)).map { _ in UInt8(random.number(in: 0x21...0x7E)) }
        return token + Array("\nBearer ".utf8) + token
    }

    func check(_ input: [UInt8]) throws {
        let parts = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
        guard parts.count == 2 else { return }
        let isToken = !parts[0].isEmpty && parts[0].allSatisfy { $0 > 0x20 && $0 < 0x7F }
        let token = AccessToken(String(decoding: parts[0], as: UTF8.self))
        try demand((token != nil) == isToken, "a token of other characters, or none of these")
        guard let token else { return }
        try demand(token.isPresented(by: token.authorization), "its own header does not present it")
        let header = String(decoding: parts[1], as: UTF8.self)
        // Exactly: the scheme in any case after any spaces, one space, the token.
        let words = Array(header.utf8.drop { $0 == 0x20 })
        let isPresented =
            String(decoding: words.prefix(7), as: UTF8.self).lowercased() == "bearer "
            && words.dropFirst(7).elementsEqual(parts[0])
        try demand(token.isPresented(by: header) == isPresented, isPresented ? "refused" : "believed another header")
        try demand("\(token)" == String(reflecting: token) && "\(token)" == "AccessToken(redacted)", "it is printed")
    }
}
