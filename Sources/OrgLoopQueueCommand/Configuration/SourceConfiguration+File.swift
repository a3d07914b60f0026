import EventQueue

extension SourceConfiguration {
    private static let keys = ["id", "connector", "config", "poll"]
    /// The keys that the configuration of some source may have.
    private static let configKeys = Connector.allCases.reduce(into: Connector.commonKeys) { keys, connector in
        keys += connector.keys.filter { !keys.contains($0) }
    }
    /// Where secrets come from: one of them.
    private static let secretKeys = ["secret", "secrets", "secret_file"]
    private static let idForm = "allowed: 1 to 128 letters, digits, '-', '_' and '.'"

    /// Reads `sources:` of our own file.
    static func list(
        _ entry: ConfigurationReader.Entry?, with reader: inout ConfigurationReader
    ) -> [SourceConfiguration]? {
        guard let entry, let elements = reader.elements(entry) else { return nil }
        if elements.isEmpty {
            reader.report("names no source", at: entry, allowed: "name one, or remove the key")
        }
        var seen: Set<Source.ID> = []
        return elements.compactMap { element in
            let members = reader.members(element, keys: keys)
            let id = identifier(of: element, members["id"], with: &reader)
            if let id, !seen.insert(id).inserted, let entry = members["id"] {
                reader.report("the source \(id) is defined twice", at: entry, allowed: "allowed: each id once")
            }
            let connector = reader.choice(members["connector"], of: Connector.self)
            let ignored = connector?.ignoredKeys ?? []
            let config = reader.members(
                members["config"], keys: configKeys + ignored.filter(Connector.filterKeys.contains), ignoring: ignored)
            if members["connector"] == nil, element.isMapping {
                reader.report("has no connector", at: element, allowed: "allowed: \(Connector.names)")
            }
            return read(element, id, connector, config, poll: members["poll"], with: &reader)
        }
    }

    /// Reads a block of an OrgLoop project that the queue receives for.
    ///
    /// - Parameters:
    ///   - connector: What the queue takes the block for; `nil` when that is a mistake of its own.
    ///   - moreKeys: Keys of its `config` that mean nothing here.
    static func block(
        _ element: ConfigurationReader.Entry, for connector: Connector?, moreKeys: [String],
        with reader: inout ConfigurationReader
    ) -> (id: Source.ID?, source: SourceConfiguration?) {
        let members = reader.members(element, keys: keys + ["description", "labels", "emits"])
        let id = identifier(of: element, members["id"], with: &reader)
        // OrgLoop takes a key without a value for a configuration without keys.
        let entry = members["config"].flatMap { $0.isNull ? nil : $0 }
        let config = reader.members(entry, keys: configKeys + moreKeys)
        return (id, read(element, id, connector, config, poll: members["poll"], with: &reader))
    }

    private static func identifier(
        of element: ConfigurationReader.Entry, _ entry: ConfigurationReader.Entry?,
        with reader: inout ConfigurationReader
    ) -> Source.ID? {
        guard let entry else {
            if element.isMapping { reader.report("has no id", at: element, allowed: idForm) }
            return nil
        }
        return reader.value(entry, allowed: idForm, parse: { Source.ID($0) })
    }

    private static func read(
        _ element: ConfigurationReader.Entry, _ id: Source.ID?, _ connector: Connector?,
        _ config: [String: ConfigurationReader.Entry], poll: ConfigurationReader.Entry?,
        with reader: inout ConfigurationReader
    ) -> SourceConfiguration? {
        let secretFile = SecretFile.read(config["secret_file"], with: &reader)
        let verification = verification(config, secretFile, unnamed: connector?.schemes ?? [.hub], with: &reader)
        let bufferDirectory = reader.text(config["buffer_dir"], allowed: "allowed: a path")
        // The engine's own business; it is checked because a slip here would go unnoticed there.
        let poll = reader.members(poll, keys: ["interval"])
        _ = reader.duration(poll["interval"], in: .milliseconds(1)...Duration.longest)
        guard let connector else { return nil }
        let kind = kind(of: connector, id: id, config, with: &reader)
        guard let id, let verification else { return nil }
        return SourceConfiguration(
            id: id, connector: connector, kind: kind, verification: verification,
            bufferDirectory: bufferDirectory, secretFile: secretFile,
            unapplied: Connector.filterKeys.filter { config[$0] != nil },
            origin: element.origin)
    }

    private static func kind(
        of connector: Connector, id: Source.ID?, _ config: [String: ConfigurationReader.Entry],
        with reader: inout ConfigurationReader
    ) -> Source.Kind {
        for key in configKeys where !(Connector.commonKeys + connector.keys).contains(key) {
            guard let entry = config[key] else { continue }
            let others = Connector.allCases.filter { $0.keys.contains(key) }.map(\.rawValue).joined(separator: ", ")
            reader.report("belongs to another connector", at: entry, allowed: "allowed with \(others)")
        }
        switch connector {
        case .claudeCode, .codingAgent, .codex, .openCode, .pi, .piRust:
            return .session(agent(of: connector, id: id, config, with: &reader))
        case .github: return .github
        case .linear: return .linear
        case .orgLoopEvent: return .orgLoopEvent
        case .cloudEvents: return .cloudEvents
        case .webhook:
            let form = "allowed: member names joined by '.', like action or data.type"
            let path = reader.value(config["event_type_field"], allowed: form) { text -> [String]? in
                let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                return parts.contains("") ? nil : parts
            }
            return .webhook(eventTypeField: path ?? ["type"])
        }
    }

    /// OrgLoop's order: the harness that is named, else the platform or the source's id if one of them is the
    /// name of a harness, else Claude Code.
    private static func agent(
        of connector: Connector, id: Source.ID?, _ config: [String: ConfigurationReader.Entry],
        with reader: inout ConfigurationReader
    ) -> Source.Agent {
        let allowed = "allowed: " + Connector.harnesses.joined(separator: ", ")
        let named = reader.value(config["harness"], allowed: allowed) { text -> String? in
            Connector.harnesses.contains(text) ? text : nil
        }
        let platform = reader.text(config["platform"], allowed: "allowed: a text")
        let likely = [platform, id?.rawValue].compactMap(\.self).first(where: Connector.harnesses.contains)
        let harness = named ?? connector.harness ?? likely ?? "claude-code"
        // Claude Code's first connector had one format, and wanted all of its fields.
        let isFirst = connector == .claudeCode
        let format = reader.choice(config["format"], of: Source.SessionFormat.self)
        return Source.Agent(
            harness: harness, platform: platform, format: format ?? (isFirst ? .sessionExited : .lifecycle),
            required: isFirst ? .all : .sessionOnly)
    }

    /// - Parameter schemes: Those that hold when there is a secret and no scheme.
    private static func verification(
        _ config: [String: ConfigurationReader.Entry], _ secretFile: SecretFile?,
        unnamed schemes: [Verifier.Scheme], with reader: inout ConfigurationReader
    ) -> Verification? {
        let secrets = secrets(config, secretFile, with: &reader)
        let hasSecretKey = secretKeys.contains { config[$0] != nil }
        guard let entry = config["scheme"] else {
            guard hasSecretKey else { return Verification.none(outright: false) }
            return secrets.map { .secret(schemes, $0) }
        }
        switch scheme(entry, with: &reader) {
        case nil: return nil
        case .none?:
            guard hasSecretKey else { return Verification.none(outright: true) }
            reader.report("is none although a secret is set", at: entry, allowed: "remove one of the two")
            return nil
        case let scheme?:
            guard hasSecretKey else {
                reader.report(
                    "is \(scheme.rawValue), and no secret is set", at: entry,
                    allowed: "set secret, secrets or secret_file")
                return nil
            }
            if let secrets, let form = scheme.secretForm, !secrets.allSatisfy(scheme.accepts) {
                reader.report(
                    "is \(scheme.rawValue), and a secret is not one of it", at: entry, allowed: "allowed: \(form)")
                return nil
            }
            return secrets.map { .secret([scheme], $0) }
        }
    }

    private static func scheme(
        _ entry: ConfigurationReader.Entry, with reader: inout ConfigurationReader
    ) -> Verifier.Scheme? {
        let allowed = "allowed: " + Verifier.Scheme.allCases.map(\.rawValue).joined(separator: ", ")
        guard let name = reader.text(entry, allowed: allowed) else { return nil }
        if let scheme = Verifier.Scheme(rawValue: name) { return scheme }
        reader.report("is not a scheme", at: entry, allowed: allowed)
        return nil
    }

    /// The configured secrets; `nil` when there is none or one of them cannot be used.
    private static func secrets(
        _ config: [String: ConfigurationReader.Entry], _ secretFile: SecretFile?,
        with reader: inout ConfigurationReader
    ) -> [Secret]? {
        let allowed = "allowed: a text of at least one character"
        let given = secretKeys.filter { config[$0] != nil }
        for key in given.dropFirst() {
            guard let entry = config[key] else { continue }
            reader.report(
                "stands beside \(given[0])", at: entry, allowed: "allowed: one of \(secretKeys.joined(separator: ", "))"
            )
        }
        if given == ["secret_file"] { return secretFile?.secrets }
        var entries = config["secret"].map { [$0] } ?? []
        if let entry = config["secrets"], let elements = reader.elements(entry) {
            if elements.isEmpty {
                reader.report("is empty", at: entry, allowed: "allowed: at least one secret")
            }
            entries += elements
        }
        let secrets = entries.map { entry in
            reader.text(entry, allowed: allowed).flatMap { Secret($0) }
        }
        let known = secrets.compactMap(\.self)
        return known.count == secrets.count && !known.isEmpty ? known : nil
    }
}

extension ConsumerConfiguration {
    /// Reads `consumers:`.
    static func list(
        _ entry: ConfigurationReader.Entry?, with reader: inout ConfigurationReader
    ) -> [ConsumerConfiguration]? {
        guard let elements = reader.elements(entry) else { return nil }
        let idForm = "allowed: 1 to 128 letters, digits, '-', '_' and '.'"
        var seen: Set<Consumer.ID> = []
        return elements.compactMap { element in
            let members = reader.members(element, keys: ["id", "on_regressed", "in_doubt"])
            let onRegressed = reader.choice(members["on_regressed"], of: PollRule.OnRegressed.self)
            let whenInDoubt = reader.choice(members["in_doubt"], of: Replay.WhenInDoubt.self)
            guard let entry = members["id"] else {
                if element.isMapping { reader.report("has no id", at: element, allowed: idForm) }
                return nil
            }
            guard let id = reader.value(entry, allowed: idForm, parse: { Consumer.ID($0) }) else {
                return nil
            }
            if !seen.insert(id).inserted {
                reader.report(
                    "the consumer \(id) is defined twice", at: entry, allowed: "allowed: each id once")
            }
            return ConsumerConfiguration(
                id: id, onRegressed: onRegressed ?? .resume, whenInDoubt: whenInDoubt ?? .hold)
        }
    }
}
