/// One reading at a time, however many ask at once: what everybody may ask for costs no more than one who asks.
///
/// Nobody is told what was true before the question.
actor SharedReading<Value: Sendable> {
    private let read: @Sendable () async throws -> Value
    private var latest: Task<Value, any Error>?
    private var latestHasBegun = true

    init(_ read: @escaping @Sendable () async throws -> Value) { self.read = read }

    /// A reading that begins after this call: a new one, or the one that others wait for already.
    func next() -> Task<Value, any Error> {
        if let latest, !latestHasBegun { return latest }
        let task = Task { [latest] in
            _ = await latest?.result
            return try await begin()
        }
        latest = task
        latestHasBegun = false
        return task
    }

    private func begin() async throws -> Value {
        latestHasBegun = true
        return try await read()
    }
}
