import EventQueue

extension Promise {
    /// Replays, resumes and the status.
    static let operating: [Promise] = [
        Promise("a replay goes before new events, in seq order, once") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            let new = try await sender.send(2, to: store)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "again",
                selection: .events([sent[2], sent[0]]))
            try await expectEqual(store.replay(order).events, 2, "events of the replay")
            try await expectEqual(poller.states(store, of: [sent[0]]), [.replaying], "state while it waits")
            try await expectEqual(poller.poll(store).ids, [sent[0], sent[2]] + new, "the next batch")
            try await expectEqual(poller.poll(store).ids, [], "the batch after it")
            try await expectEqual(
                poller.states(store, of: sent), [.confirmed, .confirmed, .confirmed], "states")
        },
        Promise("a replay skips what is handed over without it, and refuses to do nothing") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store, limit: 1)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "again", selection: .events(sent))
            let receipt = try await store.replay(order)
            try expectEqual([receipt.events, receipt.skipped], [1, 2], "replayed and skipped")
            try await expectRefusal(.nothingToReplay, "the same again") { _ = try await store.replay(order) }
        },
        Promise("a replay selects by doubt, batch, sequence and time") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let start = setUp.clock.now
            try await sender.send(2, to: store)
            setUp.clock.move(by: .seconds(60))
            try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store, limit: 3)
            _ = try await poller.poll(store)
            let none = try await dryRun(.inDoubt, poller, store)
            try expectEqual(none, 0, "in doubt at first")
            try await poller.open(store, settles: true)
            let end = start.advanced(by: .seconds(60))
            let everything = Event.Sequence(rawValue: 0)...Event.Sequence(rawValue: 1_000_000)
            let counts = try await [
                dryRun(.inDoubt, poller, store), dryRun(.batch(Batch.Number(rawValue: 2)), poller, store),
                dryRun(.sequences(everything), poller, store),
                dryRun(.received(start..<end), poller, store),
            ]
            try expectEqual(counts, [4, 3, 4, 2], "events by doubt, batch, sequence and time")
        },
        Promise("a replay that is ordered twice under one key is one replay") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(1, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            func order(_ reason: String) -> Replay.Order {
                Replay.Order(
                    cursor: poller.cursor, actor: "ada", reason: reason, selection: .events(sent),
                    idempotencyKey: "order-1")
            }
            let first = try await store.replay(order("again"))
            try await expectEqual(store.replay(order("again")).id, first.id, "the second receipt")
            let other = order("something else")
            try await expectRefusal(.idempotencyConflict, "another order") { _ = try await store.replay(other) }
            try await expectEqual(poller.poll(store).ids, sent, "events")
            try await expectEqual(poller.poll(store).ids, [], "events after them")
        },
        Promise("a replay that is in a lost batch is sent again byte for byte") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let sent = try await sender.send(2, to: harness.store)
            _ = try await poller.poll(harness.store)
            _ = try await poller.poll(harness.store)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "\"quoted\"", selection: .events([sent[1]]))
            _ = try await harness.store.replay(order)
            let lost = try await poller.peek(harness.store)
            try await harness.restart()
            try await expectEqual(poller.poll(harness.store).envelopes, lost.envelopes, "the batch")
        },
        Promise("a resume may pass events over; they are dropped with its reason") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(4, to: store)
            _ = try await poller.poll(store, limit: 1)
            poller.saved = "not one of ours"
            let order = ResumeOrder(
                cursor: poller.cursor, actor: "ada", reason: "poison", skipThrough: sent[2])
            try await expectEqual(store.resume(order).passedOver, 2, "events passed over")
            try await expectEqual(poller.poll(store).ids, [sent[3]], "the next events")
            try await expectEqual(
                poller.states(store, of: Array(sent[1...2])), [.dropped, .dropped], "states")
            let unknown = Event.ID("evt_stranger")
            let stranger = ResumeOrder(
                cursor: poller.cursor, actor: "ada", reason: "poison", skipThrough: unknown)
            try await expectRefusal(.eventUnknown, "a foreign event") { _ = try await store.resume(stranger) }
        },
        Promise("a resume brings a consumer into being that only its checkpoint knows") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.poll(store, limit: 2)
            _ = try await store.dropConsumer(
                ConsumerDrop(consumer: poller.cursor.consumer, actor: "ada", reason: "by mistake"))
            try await expectRefusal(.checkpointAhead, "the old checkpoint") { _ = try await poller.peek(store) }
            let order = ResumeOrder(
                cursor: poller.cursor, actor: "ada", reason: "it is back", skipThrough: sent[0])
            try await expectEqual(
                store.resume(order), ResumeOrder.Receipt(passedOver: 1, isNewReader: true), "the first receipt")
            try await expectEqual(poller.poll(store).ids, Array(sent[1...]), "the events")
            let again = ResumeOrder(cursor: poller.cursor, actor: "ada", reason: "once more")
            try await expectEqual(
                store.resume(again), ResumeOrder.Receipt(passedOver: 0, isNewReader: false), "the second receipt")
            let nobody = EventQueue.Cursor.Key(
                consumer: poller.cursor.consumer, source: Source.ID("nowhere") ?? poller.cursor.source)
            try await expectRefusal(.sourceUnknown, "a source that nobody knows") {
                _ = try await store.resume(ResumeOrder(cursor: nobody, actor: "ada", reason: "typo"))
            }
        },
        Promise("a resume stays in force until a batch was made or the right checkpoint presented") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(1, to: store)
            _ = try await poller.poll(store)
            let right = poller.saved
            poller.saved = "not one of ours"
            let lost = poller
            let order = ResumeOrder(cursor: poller.cursor, actor: "ada", reason: "new disk")
            _ = try await store.resume(order)
            // Two answers without events are lost; a third is not.
            for _ in 0..<2 { try await expectEqual(lost.peek(store).ids, [], "events") }
            try await expectEqual(poller.poll(store).checkpoint?.description, right, "the checkpoint")
            _ = try await poller.poll(store)
            try await expectRefusal(.lineageMismatch, "the wrong one again") { _ = try await lost.peek(store) }
        },
    ]

    private static func dryRun(_ selection: Replay.Selection, _ poller: Poller, _ store: any EventStore)
        async throws -> Int
    {
        let order = Replay.Order(
            cursor: poller.cursor, actor: "ada", reason: "how many", selection: selection, dryRun: true)
        do {
            return try await store.replay(order).events
        } catch ProtocolRefusal.nothingToReplay {
            return 0
        }
    }
}
