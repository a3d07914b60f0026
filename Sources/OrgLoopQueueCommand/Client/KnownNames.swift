import EventQueue

extension ServiceConnection {
    /// Refuses a name that the queue does not know, because a misspelt one would look like "nothing there".
    ///
    /// - Throws: ``CommandFailure`` that lists the names there are.
    func requireKnown(source: Source.ID?, consumer: Consumer.ID? = nil) async throws {
        guard source != nil || consumer != nil else { return }
        let sources = try await get("/v1/status").decoded(StatusReport.self).sources
        if let source, !sources.contains(where: { $0.id == source.rawValue }) {
            throw CommandFailure(
                message: "the queue has no source \(source) (\(ProtocolRefusal.sourceUnknown.code))",
                mend: Self.known(sources.map(\.id), "It has"))
        }
        guard let consumer else { return }
        let read = sources.filter { source == nil || $0.id == source?.rawValue }
        let consumers = Set(read.flatMap(\.consumers).map(\.id)).sorted()
        guard !consumers.contains(consumer.rawValue) else { return }
        let place = source.map(\.rawValue) ?? "the queue"
        throw CommandFailure(
            message: "no consumer \(consumer) reads \(place) (\(ProtocolRefusal.consumerUnknown.code))",
            mend: Self.known(consumers, "It is read by"))
    }

    private static func known(_ names: [String], _ words: String) -> String {
        "\(words): \(names.isEmpty ? "nobody yet" : names.joined(separator: ", "))."
    }
}
