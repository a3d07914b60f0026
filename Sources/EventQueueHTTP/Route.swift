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
    case replays
    case importLines
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
        let path = target.prefix { $0 != "?" }
        if path.hasPrefix(Self.webhookPrefix) {
            self = .webhook(String(path.dropFirst(Self.webhookPrefix.count)))
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        switch parts {
        case ["health"]: self = .health
        case ["ready"]: self = .ready
        case ["metrics"]: self = .metrics
        case ["v1", "replays"]: self = .replays
        case ["v1", "import"]: self = .importLines
        case ["v1", "sources"]: self = .sources
        case ["v1", "consumers"]: self = .consumers
        case ["v1", "status"]: self = .status
        default: self = Self.cursorCall(parts) ?? (parts.first == "v1" ? .unknownCall : .unknown)
        }
    }

    private static let webhookPrefix = "/webhook/"

    private static func cursorCall(_ parts: [String]) -> Route? {
        guard parts.count >= 6, parts[0] == "v1", parts[1] == "consumers", parts[3] == "sources",
            let call = CursorCall(rawValue: parts[5...].joined(separator: "/"))
        else { return nil }
        return .cursor(consumer: parts[2], source: parts[4], call)
    }

    /// The methods it takes; none for a path that is nothing's.
    var methods: [String] {
        switch self {
        case .webhook, .cursor, .replays, .importLines: ["POST"]
        case .sources, .consumers, .status, .health, .ready, .metrics: ["GET", "HEAD"]
        case .unknownCall, .unknown: []
        }
    }

    /// Whether a call needs the bearer token.
    var needsToken: Bool {
        switch self {
        case .cursor, .replays, .importLines, .sources, .consumers, .status, .unknownCall: true
        case .webhook, .health, .ready, .metrics, .unknown: false
        }
    }

    /// What metrics call it: a few fixed words, never a name that a caller chose.
    var label: String {
        switch self {
        case .webhook: "webhook"
        case .cursor(_, _, .openSession), .cursor(_, _, .closeSession): "session"
        case .cursor(_, _, let call): call.rawValue
        case .replays: "replays"
        case .importLines: "import"
        case .sources, .consumers, .status: "status"
        case .health, .ready, .metrics: "health"
        case .unknownCall, .unknown: "unknown"
        }
    }
}
