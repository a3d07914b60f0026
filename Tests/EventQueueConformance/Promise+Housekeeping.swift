import EventQueue

extension Promise {
    /// Retention, thinning, and consumers that are gone.
    static let housekeeping: [Promise] = [
        Promise("retention deletes what was confirmed long enough ago, and nothing younger") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let old = try await sender.send(3, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            setUp.clock.move(by: .seconds(3600))
            let young = try await sender.send(2, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            let hour = Retention(keep: .seconds(3600))
            try await expectEqual(store.forecastPrune(hour), forecast(deletes: 3), "the forecast")
            try await expectEqual(prune(hour, store).deleted, 3, "deleted")
            try await expectEqual(
                poller.states(store, of: old + young), [nil, nil, nil, .confirmed, .confirmed], "states")
            try await expectEqual(counts(of: poller, store), [.confirmed: 2], "counts")
            try await harness.restart()
            try await expectEqual(counts(of: poller, harness.store), [.confirmed: 2], "counts after a restart")
            let next = try await sender.send(1, to: harness.store)
            try await expectEqual(poller.poll(harness.store).ids, next, "the next batch")
        },
        Promise("retention never takes what is pending, outstanding, in doubt or waiting for a replay") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(6, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store, limit: 2)
            // The second batch is confirmed and unsettled: a new session leaves it in doubt.
            _ = try await poller.poll(store, limit: 1)
            try await expectEqual(poller.settle(store, [sent[0]]).settled, 1, "settled")
            try await poller.open(store, settles: true)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "again", selection: .events([sent[1]]))
            _ = try await store.replay(order)
            setUp.clock.move(by: .seconds(86_400))
            try await expectEqual(
                poller.states(store, of: sent),
                [.delivered, .replaying, .inDoubt, .drained, .pending, .pending], "states before")
            let forecast = try await store.forecastPrune(Retention(keep: .seconds(60)))
            try expectEqual([forecast.deletes, forecast.held], [1, 5], "deleted and held by the forecast")
            try await expectEqual(prune(Retention(keep: .seconds(60)), store).deleted, 1, "deleted")
            try await expectEqual(
                poller.states(store, of: sent), [nil, .replaying, .inDoubt, .drained, .pending, .pending],
                "states after")
        },
        Promise("retention keeps what an open session that settles has not settled") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            try await expectEqual(poller.settle(store, [sent[0]]).settled, 1, "settled")
            setUp.clock.move(by: .seconds(120))
            try await expectEqual(prune(Retention(keep: .seconds(60)), store).deleted, 1, "deleted")
            try await expectEqual(poller.states(store, of: sent), [nil, .confirmed], "states")
        },
        Promise("retention waits for the slowest consumer, and for somebody to read a source at all") {
            harness, setUp in
            var (sender, fast) = setUp.sides()
            let store = await harness.store
            try await sender.send(4, to: store)
            setUp.clock.move(by: .seconds(3600))
            let minute = Retention(keep: .seconds(60))
            try await expectEqual(prune(minute, store).deleted, 0, "deleted while nobody reads")
            _ = try await fast.poll(store)
            _ = try await fast.poll(store)
            var slow = Poller(sender.cursor, consumer: setUp.other)
            _ = try await slow.poll(store, limit: 1)
            _ = try await slow.poll(store, limit: 1)
            setUp.clock.move(by: .seconds(3600))
            try await expectEqual(prune(minute, store).deleted, 1, "deleted")
        },
        Promise("an old checkpoint whose batch was pruned is regressed, not foreign") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(3, to: store)
            var early = poller
            _ = try await poller.poll(store, limit: 1)
            early.saved = poller.saved
            for _ in 0..<3 { _ = try await poller.poll(store, limit: 1) }
            setUp.clock.move(by: .seconds(3600))
            try await expectEqual(prune(Retention(keep: .seconds(60)), store).deleted, 3, "deleted")
            try await expectEqual(early.peek(store).warning, .regressed, "the warning")
            try await expectEqual(early.peek(store).ids, [], "events")
        },
        Promise("a thinned event keeps its id, its state and its idempotency key") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try sender.event("one", key: "delivery-1")
            _ = try await store.append(first)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            setUp.clock.move(by: .seconds(3600))
            let hour = Retention(thin: .seconds(60))
            try await expectEqual(store.forecastPrune(hour).thins, 1, "thinned by the forecast")
            try await expectEqual(prune(hour, store).thinned, 1, "thinned")
            try await expectEqual(prune(hour, store), done, "thinned again")
            try await expectEqual(poller.states(store, of: [first.id]), [.confirmed], "its state")
            let again = try sender.event("one", key: "delivery-1")
            try await expectEqual(store.append(again), .duplicate(first.id), "the same delivery")
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "again", selection: .events([first.id]))
            try await expectRefusal(.nothingToReplay, "a replay") { _ = try await store.replay(order) }
        },
        Promise("a consumer that comes after thinning or pruning begins with what is kept") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(4, to: store)
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.poll(store, limit: 2)
            setUp.clock.move(by: .seconds(3600))
            try await expectEqual(prune(Retention(keep: .seconds(60)), store).deleted, 2, "deleted")
            _ = try await poller.poll(store)
            setUp.clock.move(by: .seconds(3600))
            let kept = try await sender.send(2, to: store)
            try await expectEqual(prune(Retention(thin: .seconds(60)), store).thinned, 2, "thinned")
            var late = Poller(sender.cursor, consumer: setUp.other)
            try await expectEqual(late.poll(store).ids, kept, "its first batch")
            try await expectEqual(counts(of: late, store), [.drained: 2], "its counts")
            try await expectEqual(late.poll(store).ids, [], "its second batch")
        },
        Promise("a size bound deletes the oldest that nobody needs, whatever their age") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(40, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            setUp.clock.move(by: .seconds(3600))
            let pending = try await sender.send(2, to: store)
            let nothing = Retention(bytesMax: 0)
            try await expectEqual(store.forecastPrune(nothing).deletes, 40, "deleted by the forecast")
            try await expectEqual(prune(nothing, store).deleted, 40, "deleted")
            try await expectEqual(poller.poll(store).ids, pending, "the next batch")
        },
        Promise("retention waits for what a replay ordered for a consumer that began later") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            poller.session = try await store.openSession(
                SessionRequest(cursor: poller.cursor, engine: "suite/1", settles: true, start: .now))
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "from before", selection: .events(sent))
            try await expectEqual(store.replay(order).events, 3, "events of the replay")
            let all = Retention(keep: .zero)
            try await expectEqual(prune(all, store).deleted, 0, "deleted while they wait")
            let lost = try await poller.peek(store, limit: 2)
            try await expectEqual(prune(all, store).deleted, 0, "deleted while they are outstanding")
            try await expectEqual(poller.poll(store).envelopes, lost.envelopes, "the batch sent again")
            _ = try await poller.poll(store)
            try await expectEqual(poller.settle(store, [sent[0]]).settled, 1, "settled")
            try await expectEqual(prune(all, store).deleted, 1, "deleted once one is settled")
            try await expectEqual(
                counts(of: poller, store), [.confirmed: 1, .drained: 1], "counts of what is left")
        },
        Promise("a thinned event is never in doubt: no replay could end that") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            try await expectEqual(prune(Retention(thin: .zero), store).thinned, 2, "thinned")
            poller.saved = nil
            try await expectEqual(poller.peek(store).warning, .regressed, "the warning")
            try await expectEqual(poller.states(store, of: sent), [.confirmed, .confirmed], "states")
        },
        Promise("a dropped consumer holds nothing back, and its name begins anew") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            var gone = Poller(sender.cursor, consumer: setUp.other)
            try await gone.open(store, settles: true)
            _ = try await gone.poll(store, limit: 1)
            try await expectRefusal(.sessionOpen, "a drop under an engine") {
                _ = try await store.dropConsumer(
                    ConsumerDrop(consumer: setUp.other, actor: "ada", reason: "retired"))
            }
            let drop = ConsumerDrop(
                consumer: setUp.other, actor: "ada", reason: "retired", openSession: .fence)
            try await expectEqual(
                store.dropConsumer(drop), ConsumerDrop.Receipt(sources: 1, pending: 2, unfinished: 1), "the receipt")
            try await expectRefusal(.consumerUnknown, "a second drop") { _ = try await store.dropConsumer(drop) }
            try await expectRefusal(.sessionUnknown, "its session") { _ = try await gone.peek(store) }
            try await expectEqual(cursors(store), 1, "readers")
            setUp.clock.move(by: .seconds(3600))
            try await expectEqual(prune(Retention(keep: .seconds(60)), store).deleted, 3, "deleted")
            let next = try await sender.send(1, to: store)
            var anew = Poller(sender.cursor, consumer: setUp.other)
            try await expectEqual(anew.poll(store).ids, next, "the first batch of the new one")
            try await expectEqual(poller.states(store, of: sent), [nil, nil, nil], "states")
        },
        Promise("a consumer that wants it gets what is in doubt again when its next session opens") {
            harness, setUp in
            var (sender, poller) = setUp.sides(consumer: setUp.replaying)
            let store = await harness.store
            let sent = try await sender.send(4, to: store)
            try await poller.open(store, settles: true)
            let dead = poller.session
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.poll(store, limit: 2)
            try await expectEqual(poller.settle(store, [sent[0]]).settled, 1, "settled")
            // The engine dies with one event of the first batch unfinished; it had saved the second.
            try await poller.open(store, settles: true)
            try await expectEqual(poller.poll(store).ids, Array(sent[1...]), "what is emitted again")
            let records = try await store.replays(of: nil, for: setUp.replaying, limit: 10)
            try expectEqual(records.map(\.actor), ["orgloop-queue", "orgloop-queue"], "the actors")
            try expect(
                records.allSatisfy { $0.reason.contains(dead?.rawValue ?? "?") }, "a reason names no dead session")
        },
    ]

    private static let done: Pruned = {
        var pruned = Pruned()
        pruned.isDone = true
        return pruned
    }()

    private static func forecast(deletes: Int) -> PruneForecast {
        var forecast = PruneForecast()
        forecast.deletes = deletes
        return forecast
    }

    /// Prunes until nothing is left to do and sums up.
    private static func prune(_ retention: Retention, _ store: any EventStore) async throws -> Pruned {
        var total = Pruned()
        while !total.isDone {
            let pruned = try await store.prune(retention)
            total.deleted += pruned.deleted
            total.thinned += pruned.thinned
            total.isDone = pruned.isDone
        }
        return total
    }

    private static func counts(of poller: Poller, _ store: any EventStore) async throws -> [Event.State: Int]? {
        try await store.status().sources.first { $0.id == poller.cursor.source }?.cursors
            .first { $0.consumer == poller.cursor.consumer }?.counts
    }

    private static func cursors(_ store: any EventStore) async throws -> Int {
        try await store.status().sources.reduce(0) { $0 + $1.cursors.count }
    }
}
