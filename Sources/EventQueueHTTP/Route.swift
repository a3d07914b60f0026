/// Where a request goes.
enum Route: Sendable, Equatable {
    /// The calls on one cursor; each raw value is the rest of its path.
    enum CursorCall: String, Sendable {
        case openSession = "session"
        case closeSession = "session/close"
        case poll
        case settle
        case resume
    }

    /// The receiver; the name may be no source's.
    case webhook(String)
    case cursor(consumer: String, source: String, CursorCall)
    case replays(Query)
    case replay(String)
    case events(Query)
    case event(String)
    case importLines
    case prune
    case reload
    case dropConsumer(String)
    case quarantine(Query)
    case quarantined(String)
    case retry(String)
    case discard(String)
    case sources
    case consumers
    case status
    /// A path below the consumer API's root that is none of its calls.
    case unknownCall
    case health
    case ready
    case metrics
    case unknown

    /// Reads a request target; names need no percent-encoding, so a name that has one is no name of ours.
    init(target: String) {
        if let source = Self.source(of: target) {
            self = .webhook(source)
            return
        }
        let path = target.prefix { $0 != "?" }
        // Without a slash in front it is no path of ours, and what follows must not be taken for one.
        guard path.hasPrefix("/") else {
            self = .unknown
            return
        }
        let query = Query(target.dropFirst(path.count + 1))
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        switch parts {
        case ["health"]: self = .health
        case ["ready"]: self = .ready
        case ["metrics"]: self = .metrics
        case ["v1", "replays"]: self = .replays(query)
        case ["v1", "events"]: self = .events(query)
        case ["v1", "quarantine"]: self = .quarantine(query)
        case ["v1", "prune"]: self = .prune
        case ["v1", "reload"]: self = .reload
        case ["v1", "import"]: self = .importLines
        case ["v1", "sources"]: self = .sources
        case ["v1", "consumers"]: self = .consumers
        case ["v1", "status"]: self = .status
        default: self = Self.namedCall(parts) ?? (parts.first == "v1" ? .unknownCall : .unknown)
        }
    }

    private static let webhookPrefix = "/webhook/"

    /// The name in the path of a sender's request, which may be no source's; `nil` for every other target.
    static func source(of target: String) -> String? {
        guard target.hasPrefix(webhookPrefix) else { return nil }
        let rest = target[target.utf8.index(target.startIndex, offsetBy: webhookPrefix.utf8.count)...]
        // A question mark with an accent on it divides nothing, and only characters tell.
        return String(rest.utf8.contains(UInt8(ascii: "?")) ? rest.prefix { $0 != "?" } : rest)
    }

    private static func namedCall(_ parts: [String]) -> Route? {
        guard parts.first == "v1", parts.count >= 3 else { return nil }
        switch (parts[1], parts.count) {
        case ("replays", 3): return .replay(parts[2])
        case ("events", 3): return .event(parts[2])
        case ("quarantine", 3): return .quarantined(parts[2])
        case ("quarantine", 4) where parts[3] == "retry": return .retry(parts[2])
        case ("quarantine", 4) where parts[3] == "discard": return .discard(parts[2])
        case ("consumers", 4) where parts[3] == "drop": return .dropConsumer(parts[2])
        default: return cursorCall(parts)
        }
    }

    private static func cursorCall(_ parts: [String]) -> Route? {
        guard parts.count >= 6, parts[1] == "consumers", parts[3] == "sources",
            let call = CursorCall(rawValue: parts[5...].joined(separator: "/"))
        else { return nil }
        return .cursor(consumer: parts[2], source: parts[4], call)
    }

    /// The methods it takes; none for a path that is nothing's.
    var methods: [String] {
        switch self {
        case .webhook, .cursor, .importLines, .prune, .reload, .dropConsumer, .retry, .discard: ["POST"]
        case .replays: ["GET", "HEAD", "POST"]
        case .events, .event, .replay, .quarantine, .quarantined, .sources, .consumers, .status, .health, .ready,
            .metrics:
            ["GET", "HEAD"]
        case .unknownCall, .unknown: []
        }
    }

    /// Whether a call needs the bearer token.
    var needsToken: Bool {
        switch self {
        case .cursor, .replays, .replay, .events, .event, .importLines, .prune, .reload, .dropConsumer, .quarantine,
            .quarantined, .retry, .discard, .sources, .consumers, .status, .unknownCall:
            true
        case .webhook, .health, .ready, .metrics, .unknown: false
        }
    }

    /// What metrics call it: a few fixed words, never a name that a caller chose.
    var label: String {
        switch self {
        case .webhook: "webhook"
        case .cursor(_, _, .openSession), .cursor(_, _, .closeSession): "session"
        case .cursor(_, _, let call): call.rawValue
        case .replays, .replay: "replays"
        case .events, .event: "events"
        case .importLines: "import"
        case .prune: "prune"
        case .reload: "reload"
        case .dropConsumer: "drop"
        case .quarantine, .quarantined, .retry, .discard: "quarantine"
        case .sources, .consumers, .status: "status"
        case .health, .ready, .metrics: "health"
        case .unknownCall, .unknown: "unknown"
        }
    }
}
