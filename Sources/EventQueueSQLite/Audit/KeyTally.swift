package import EventQueue

/// A key that stored requests say they were signed with, and what is known of it.
package struct SigningKey: Sendable, Equatable {
    /// Whether its secret can still be had.
    package enum Standing: Sendable, Equatable {
        /// It is in the configuration that the audit was given.
        case configured
        /// The database says that it is in use, and the configuration does not have it: it is another one.
        case inUse
        /// It was dropped then.
        case dropped(Timestamp)
        /// The database has no record of it: it was dropped before there was one, or came with an import.
        case unknown
    }

    package let source: String
    package let keyID: String
    package let standing: Standing
    /// How many stored events name it, those without a body included.
    package let events: Int
    /// How many of them have a signature that cannot be checked any more.
    package let notChecked: Int
    /// When the last of them arrived; empty when it does not say.
    package let newestAt: String
    /// When it was in use, in the order of the record.
    package let periods: [Secret.Period]
}

/// Counts the events of each key while they are read.
struct KeyTally {
    private struct Key: Hashable {
        let source: String
        let keyID: String
    }

    private struct Count {
        var events = 0
        var notChecked = 0
        var newestAt = ""
    }

    /// A source that rotates every day for two years has fewer; a damaged file may have one for each event.
    static let keysMax = 1000

    private var counts: [Key: Count] = [:]
    /// How many events have a key beyond ``keysMax``.
    private(set) var leftOut = 0

    mutating func add(_ keyID: String, of source: String, receivedAt: String, isChecked: Bool) {
        let key = Key(source: source, keyID: keyID)
        guard counts.count < Self.keysMax || counts[key] != nil else {
            leftOut += 1
            return
        }
        var count = counts[key, default: Count()]
        count.events += 1
        if !isChecked { count.notChecked += 1 }
        count.newestAt = max(count.newestAt, receivedAt)
        counts[key] = count
    }

    /// Every key, with what the configuration and the database's own record say about it.
    func keys(_ verifiers: [String: Verifier], _ history: [Secret.Period]) -> [SigningKey] {
        counts.map { key, count in
            let periods = history.filter { $0.use.source.rawValue == key.source && $0.use.keyID == key.keyID }
            let isConfigured = verifiers[key.source]?.keyIDs.contains(key.keyID) == true
            return SigningKey(
                source: key.source, keyID: key.keyID,
                standing: isConfigured ? .configured : Self.standing(periods), events: count.events,
                notChecked: count.notChecked, newestAt: count.newestAt, periods: periods)
        }.sorted { ($0.source, $0.newestAt, $0.keyID) < ($1.source, $1.newestAt, $1.keyID) }
    }

    private static func standing(_ periods: [Secret.Period]) -> SigningKey.Standing {
        guard let last = periods.last else { return .unknown }
        return last.droppedAt.map { .dropped($0) } ?? .inUse
    }
}
