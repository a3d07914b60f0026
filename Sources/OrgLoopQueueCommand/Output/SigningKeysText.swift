import EventQueue
import EventQueueSQLite

/// The keys that stored requests were signed with, as `verify` shows them.
struct SigningKeysText {
    private let keys: [SigningKey]

    init(_ keys: [SigningKey]) { self.keys = keys }

    func lines(colour: Bool) -> [String] {
        guard !keys.isEmpty else { return [] }
        var table = Table([
            ("SOURCE", .leading), ("KEY", .leading), ("EVENTS", .trailing), ("NOT CHECKED", .trailing),
            ("NEWEST", .leading), ("CONFIGURED", .leading), ("DROPPED", .leading),
        ])
        for key in keys {
            table.add([
                .init(key.source), .init(key.keyID), .init("\(key.events)"),
                .init(key.notChecked == 0 ? "-" : "\(key.notChecked)"), .init(Self.orDash(key.newestAt)),
                .init(Self.orDash(key.periods.first?.configuredAt.iso8601 ?? "")), .init(Self.dropped(key)),
            ])
        }
        return [""] + table.lines(colour: colour) + mends
    }

    var json: String {
        JSONOutput.array(
            keys.map { key in
                JSONOutput.object([
                    ("source", JSONOutput.quoted(key.source)), ("key_id", JSONOutput.quoted(key.keyID)),
                    ("standing", JSONOutput.quoted(Self.standing(key))), ("events", "\(key.events)"),
                    ("not_checked", "\(key.notChecked)"),
                    ("newest_at", key.newestAt.isEmpty ? "null" : JSONOutput.quoted(key.newestAt)),
                    ("periods", JSONOutput.array(key.periods.map(Self.period))),
                ])
            })
    }

    private var mends: [String] {
        guard keys.contains(where: { $0.standing == .inUse && $0.notChecked > 0 }) else { return [] }
        return ["  Some keys are in use and not in this configuration: name the service's with --config."]
    }

    private static func dropped(_ key: SigningKey) -> String {
        switch key.standing {
        case .configured: "-"
        case .inUse: "in use, by another configuration"
        case .dropped(let time): time.iso8601
        case .unknown: "not on record: dropped before there was one, or imported"
        }
    }

    private static func standing(_ key: SigningKey) -> String {
        switch key.standing {
        case .configured: "configured"
        case .inUse: "in_use"
        case .dropped: "dropped"
        case .unknown: "unknown"
        }
    }

    private static func period(_ period: Secret.Period) -> String {
        JSONOutput.object([
            ("scheme", JSONOutput.quoted(period.use.scheme)),
            ("configured_at", JSONOutput.quoted(period.configuredAt.iso8601)),
            ("dropped_at", period.droppedAt.map { JSONOutput.quoted($0.iso8601) } ?? "null"),
        ])
    }

    private static func orDash(_ text: String) -> String { text.isEmpty ? "-" : text }
}
