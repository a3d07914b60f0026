import EventQueue

extension Promise {
    /// Listings and records.
    static let audit: [Promise] = [
        Promise("a listing pages through all events in order, without a gap or a repeat") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(7, to: store).map(\.rawValue)
            _ = try await poller.peek(store, limit: 3)
            // A second reader gives every event a second row.
            _ = try await Poller(sender.cursor, consumer: setUp.other).peek(store, limit: 5)
            for limit in 1...5 {
                var listed: [String] = []
                var query = EventQuery(limit: limit)
                while true {
                    let page = try await store.events(query)
                    listed += page.rows.map(\.id)
                    guard let next = page.next else { break }
                    query.end = .after(next)
                }
                try expectEqual(listed, sent.flatMap { [$0, $0] }, "rows in pages of \(limit)")
            }
        },
        Promise("a listing is narrowed by source, consumer, state and time, and may begin at the end") {
            harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let other = Sender(setUp.sources[1], setUp.clock)
            let first = try await sender.send(2, to: store)
            setUp.clock.move(by: .seconds(60))
            let middle = setUp.clock.now
            let elsewhere = try await other.send(1, to: store)
            let last = try await sender.send(2, to: store)
            _ = try await poller.peek(store, limit: 3)
            func list(_ narrow: (inout EventQuery) -> Void) async throws -> [String] {
                var query = EventQuery()
                narrow(&query)
                return try await store.events(query).rows.map(\.id)
            }
            try await expectEqual(list { $0.source = setUp.sources[1] }, elsewhere.map(\.rawValue), "by source")
            try await expectEqual(
                list { $0.state = .drained }, (first + last.prefix(1)).map(\.rawValue), "by state")
            try await expectEqual(list { $0.consumer = .standard }, (first + last).map(\.rawValue), "by consumer")
            try await expectEqual(list { $0.until = middle }, first.map(\.rawValue), "until a time")
            try await expectEqual(
                list { $0.since = middle }, (elsewhere + last).map(\.rawValue), "since a time")
            try await expectEqual(
                list {
                    $0.end = .last
                    $0.limit = 2
                }, last.map(\.rawValue), "the newest")
        },
        Promise("an event's record tells every emission with its batch, outcome and replay") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(1, to: store)
            try await expectEqual(store.event(sent[0])?.readings.map(\.consumer), [nil], "readers at first")
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            _ = try await poller.settle(store, sent, as: .failed)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "fixed", selection: .events(sent))
            let replay = try await store.replay(order).id
            _ = try await poller.poll(store)
            guard let record = try await store.event(sent[0]) else { throw BrokenPromise("there is no record") }
            try expectEqual(record.readings.map(\.state), ["drained"], "states")
            let emissions = record.readings.flatMap(\.emissions)
            try expectEqual(emissions.map(\.number), [1, 2], "emission numbers")
            try expectEqual(emissions.map(\.outcome), ["failed", nil], "outcomes")
            try expectEqual(emissions.map(\.replay), [nil, replay?.rawValue], "replays of the emissions")
            try expectEqual(emissions.map { $0.batch?.rawValue }, [1, 2], "batches")
            try expectEqual(record.replays.map(\.reason), ["fixed"], "replays")
            try await expectEqual(store.event(unknown) == nil, true, "a stranger is unknown")
        },
        Promise("a replay's record tells how far it has got") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "again", selection: .events(sent))
            guard let id = try await store.replay(order).id else { throw BrokenPromise("the replay has no id") }
            func progress() async throws -> [String] {
                guard let replay = try await store.replay(id) else { throw BrokenPromise("no record") }
                return ["\(replay.record.emitted)/\(replay.record.waiting)"] + replay.members.map(\.state)
            }
            try await expectEqual(progress(), ["0/3", "replaying", "replaying", "replaying"], "at first")
            _ = try await poller.poll(store, limit: 2)
            try await expectEqual(progress(), ["2/1", "drained", "drained", "replaying"], "then")
            _ = try await poller.poll(store)
            _ = try await poller.settle(store, [sent[0]])
            try await expectEqual(progress(), ["3/0", "delivered", "confirmed", "drained"], "at last")
        },
    ]

    private static let unknown = EventIDGenerator(now: { .now() }, after: nil).next()
}
