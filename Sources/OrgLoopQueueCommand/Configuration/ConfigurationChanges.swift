import EventQueue

/// What is different between the configuration that holds and the one that was read after it.
struct ConfigurationChanges {
    private let old: ServiceConfiguration
    private let new: ServiceConfiguration

    init(from old: ServiceConfiguration, to new: ServiceConfiguration) {
        self.old = old
        self.new = new
    }

    /// The new configuration as far as a running process can take it over.
    var applied: ServiceConfiguration {
        var applied = new
        applied.listen = old.listen
        applied.database = old.database
        applied.tokenFile = old.tokenFile
        return applied
    }

    /// What is taken over: a sentence each, without a secret.
    var lines: [String] {
        sources + consumers + old.limits.changes(to: new.limits) + retention
            + Self.change("hosts", Self.list(old.hosts), Self.list(new.hosts))
    }

    /// What is not: it is fixed for the life of a process.
    var needsRestart: [String] {
        Self.change("listen", "\(old.listen)", "\(new.listen)")
            + Self.change("database", old.database, new.database)
            + Self.change("token_file", old.tokenFile, new.tokenFile)
    }

    private var sources: [String] {
        let before = Dictionary(old.sources.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        let after = Set(new.sources.map(\.id))
        let added = new.sources.flatMap { source in
            before[source.id].map { Self.changes(from: $0, to: source) }
                ?? ["source \(source.id): added, \(Self.proof(source))"]
        }
        return added
            + old.sources.filter { !after.contains($0.id) }.map {
                "source \($0.id): removed; its requests get 404, its events stay"
            }
    }

    private static func changes(from old: SourceConfiguration, to new: SourceConfiguration) -> [String] {
        let keys = (old.verification.keyIDs, new.verification.keyIDs)
        let changes =
            change("connector", old.connector.rawValue, new.connector.rawValue)
            + change("format", old.format, new.format)
            + change("scheme", old.verification.scheme, new.verification.scheme)
            + keys.1.filter { !keys.0.contains($0) }.map { "key \($0) added" }
            + keys.0.filter { !keys.1.contains($0) }.map { "key \($0) dropped" }
            + (Set(keys.0) == Set(keys.1) ? change("order of keys", list(keys.0), list(keys.1)) : [])
            + change("buffer_dir", old.bufferDirectory ?? "none", new.bufferDirectory ?? "none")
        return changes.map { "source \(new.id): \($0)" }
    }

    private static func proof(_ source: SourceConfiguration) -> String {
        let keys = source.verification.keyIDs
        return keys.isEmpty ? "unsigned" : "\(source.verification.scheme), keys \(keys.joined(separator: " "))"
    }

    private var consumers: [String] {
        let before = Dictionary(old.consumers.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        let after = Dictionary(new.consumers.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        return Set(before.keys).union(after.keys).sorted().flatMap { id in
            // One that the file does not name goes by the defaults.
            let old = before[id] ?? ConsumerConfiguration(id: id)
            let new = after[id] ?? ConsumerConfiguration(id: id)
            return
                (Self.change("on_regressed", old.onRegressed.rawValue, new.onRegressed.rawValue)
                + Self.change("in_doubt", old.whenInDoubt.rawValue, new.whenInDoubt.rawValue))
                .map { "consumer \(id): \($0)" }
        }
    }

    private var retention: [String] {
        func spelled(_ bound: Duration?) -> String { bound.map(Quantities.spelled) ?? "none" }
        func bytes(_ bound: Int64?) -> String { bound.map { "\($0)" } ?? "none" }
        let (old, new) = (old.retention, new.retention)
        return
            (Self.change("keep", spelled(old.keep), spelled(new.keep))
            + Self.change("thin", spelled(old.thin), spelled(new.thin))
            + Self.change("bytes_max", bytes(old.bytesMax), bytes(new.bytesMax)))
            .map { "retention: \($0)" }
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: " ")
    }

    private static func change(_ name: String, _ old: String, _ new: String) -> [String] {
        old == new ? [] : ["\(name) from \(old) to \(new)"]
    }
}
