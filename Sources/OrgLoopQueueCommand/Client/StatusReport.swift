import EventQueue

/// The answer of `GET /v1/status` as far as the verbs show it.
struct StatusReport: Decodable {
    struct SourceReport: Decodable {
        let id: String
        /// How many were ever stored.
        let events: Int
        /// How many of them are kept.
        let held: Int
        let quarantined: Int
        /// How many were ever given up for newer ones.
        let quarantineDropped: Int
        let consumers: [ConsumerReport]
    }

    /// A consumer's position in one source; in the answer of `GET /v1/consumers` the id is the source's.
    struct ConsumerReport: Decodable {
        let id: String
        let counts: [String: Int]
        let oldestPendingAgeSeconds: Int64?
        let position: Int64
        let session: SessionReport?

        func count(_ state: Event.State) -> Int { counts[state.rawValue] ?? 0 }

        /// What a drop of the consumer gives up: what it has confirmed and not settled is done, for a reader that
        /// reports no outcomes.
        var unfinished: Int { count(.drained) + count(.inDoubt) + count(.replaying) }
    }

    struct SessionReport: Decodable {
        let engine: String
        let standing: String
        let openedAt: String

        var text: String { "\(standing) \(engine) since \(openedAt)" }
    }

    /// The configuration of a service that can read it again.
    struct ConfigurationReport: Decodable {
        let file: String?
        let loadedAt: String
        let needsRestart: [String]
        /// When the file was read last and not taken over.
        let failedAt: String?
        /// What is wrong with it.
        let refused: [String]?
        /// What kept the service from taking it over, although nothing is wrong with it.
        let putOff: String?

        /// Says that the file cannot be used, if it was refused.
        var refusal: String? {
            refused.map { problems in
                let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
                return "\(name) was refused \(still): \(problems.first ?? "no reason is known")\(more)"
            }
        }

        /// Says that it was put off, if it was.
        var delay: String? { putOff.map { "\(name) was put off \(still): \($0)" } }

        private var still: String {
            "at \(failedAt ?? "an unknown time"), and what was read at \(loadedAt) still holds"
        }

        /// What of the file does not hold yet, a sentence each.
        var restarts: [String] { needsRestart.map { "\(name) needs a restart of the service: \($0)" } }

        private var name: String { file ?? "the configuration" }
    }

    let sources: [SourceReport]
    let databaseBytes: Int64
    let walBytes: Int64
    let configuration: ConfigurationReport?
}

/// The answer of `GET /v1/consumers`.
struct ConsumersReport: Decodable {
    struct Reader: Decodable {
        let id: String
        /// What it reads; each report is named after its source.
        let sources: [StatusReport.ConsumerReport]

        var pending: Int { sources.reduce(0) { $0 + $1.count(.pending) } }
        var unfinished: Int { sources.reduce(0) { $0 + $1.unfinished } }
        /// The sessions that nobody has ended, by source.
        var openSessions: [(id: String, session: StatusReport.SessionReport)] {
            sources.compactMap { source in
                source.session.flatMap { $0.standing == "open" ? (source.id, $0) : nil }
            }
        }
    }

    let consumers: [Reader]
}

extension StatusReport {
    /// An age in its largest unit.
    static func age(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds)s"
        case ..<7200: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }

    /// A size in its largest binary unit.
    static func size(_ bytes: Int64) -> String {
        for (unit, size) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes >= size {
            let tenths = bytes * 10 / size
            return "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(bytes) B"
    }
}
