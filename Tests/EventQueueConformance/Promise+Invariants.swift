import EventQueue

extension Promise {
    /// I1 to I12 of the design.
    static let invariants: [Promise] = [
        Promise("I1: an acknowledged event exists after a kill") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let sent = try await sender.send(5, to: harness.store)
            try await harness.restart()
            try await expectEqual(poller.peek(harness.store).ids, sent, "events after the restart")
        },
        Promise("I2: one row per source and idempotency key, in this and in later groups") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let other = Sender(setUp.sources[1], setUp.clock)
            let store = await harness.store
            let first = try sender.event("one", key: "delivery-1")
            try expectEqual(await store.append(first), .stored(first.id), "the first delivery")
            let again = try sender.event("one", key: "delivery-1")
            try expectEqual(await store.append(again), .duplicate(first.id), "the second delivery")
            let changed = try sender.event("two", key: "delivery-1")
            try expectEqual(await store.append(changed), .conflict(first.id), "the key with another body")
            let elsewhere = try other.event("one", key: "delivery-1")
            try expectEqual(await store.append(elsewhere), .stored(elsewhere.id), "the key of another source")
            try await expectEqual(poller.peek(store).ids, [first.id], "events")
        },
        Promise("I2: a key with a zero byte is a key as any other, and nothing of it is the key of another") {
            harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try sender.event("one", key: "delivery\u{0}1")
            try expectEqual(await store.append(first), .stored(first.id), "the first delivery")
            let again = try sender.event("one", key: "delivery\u{0}1")
            try expectEqual(await store.append(again), .duplicate(first.id), "the second delivery")
            let other = try sender.event("two", key: "delivery\u{0}2")
            try expectEqual(await store.append(other), .stored(other.id), "another key behind the zero")
            let shorter = try sender.event("three", key: "delivery")
            try expectEqual(await store.append(shorter), .stored(shorter.id), "the key before the zero")
            try await expectEqual(poller.peek(store).ids, [first.id, other.id, shorter.id], "events")
        },
        Promise("I2: deliveries of one key that race share one event") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let results = try await withThrowingTaskGroup(of: Appended.self) { group in
                for _ in 0..<32 {
                    let event = try sender.event("same", key: "raced")
                    group.addTask { try await store.append(event) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let stored = results.filter { if case .stored = $0 { true } else { false } }
            try expectEqual(stored.count, 1, "stored deliveries")
            try await expectEqual(poller.peek(store).ids.count, 1, "events")
        },
        Promise("I2: events that came together are stored together, or not at all") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try [sender.event("one", key: "1"), sender.event("two", key: "2")]
            try await expectEqual(store.append(first), first.map { .stored($0.id) }, "the first request")
            let again = try [sender.event("two", key: "2"), sender.event("three", key: "3")]
            try await expectEqual(
                store.append(again), [.duplicate(first[1].id), .stored(again[1].id)], "one that overlaps")
            let changed = try [sender.event("four", key: "4"), sender.event("changed", key: "1")]
            try await expectEqual(
                store.append(changed), [.stored(changed[0].id), .conflict(first[0].id)], "one with a conflict")
            try await expectEqual(store.append([]), [], "an empty one")
            let all = (first + again.suffix(1)).map(\.id)
            try await expectEqual(poller.peek(store).ids, all, "events")
            try await expectEqual(store.status().sources.first?.events, all.count, "the count")
            try await harness.restart()
            try await expectEqual(poller.peek(harness.store).ids, all, "events after a restart")
        },
        Promise("I3: a re-sent batch is identical, also after a kill and with new events behind it") {
            harness, setUp in
            let (sender, poller) = setUp.sides()
            try await sender.send(3, to: harness.store)
            let first = try await poller.peek(harness.store)
            try await sender.send(3, to: harness.store)
            try await harness.restart()
            let second = try await poller.peek(harness.store, limit: 1)
            try expectEqual(second.envelopes, first.envelopes, "the batch sent again")
            try expectEqual(second.checkpoint, first.checkpoint, "its checkpoint")
            try expect(second.resent && !first.resent, "the second answer is marked as sent again")
        },
        Promise("I4: no event is emitted twice without a replay, whatever is presented") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(6, to: store)
            var seen: [Event.ID] = []
            for _ in 0..<3 { seen += try await poller.poll(store, limit: 2).ids }
            poller.saved = nil
            try await expectEqual(poller.peek(store).ids, [], "events after the checkpoint was lost")
            try expectEqual(seen, sent, "events seen")
        },
        Promise("I5: what a poll returned is a durable batch") { harness, setUp in
            let (sender, poller) = setUp.sides()
            try await sender.send(2, to: harness.store)
            let answer = try await poller.peek(harness.store)
            try await harness.restart()
            var after = poller
            after.saved = answer.checkpoint?.description
            let next = try await after.peek(harness.store)
            try expectEqual(next.ids, [], "events after the checkpoint")
            try expectEqual(next.checkpoint, answer.checkpoint, "the checkpoint is known after the restart")
        },
        Promise("I6: first emissions go in seq order and skip nothing, source by source") { harness, setUp in
            let store = await harness.store
            let (one, two) = (Sender(setUp.sources[0], setUp.clock), Sender(setUp.sources[1], setUp.clock))
            var (first, second) = (Poller(setUp.sources[0]), Poller(setUp.sources[1]))
            var (sentOne, sentTwo): ([Event.ID], [Event.ID]) = ([], [])
            for _ in 0..<4 {
                sentOne += try await one.send(3, to: store)
                sentTwo += try await two.send(2, to: store)
            }
            var (gotOne, gotTwo): ([Event.ID], [Event.ID]) = ([], [])
            for limit in [1, 5, 2, 100] {
                gotOne += try await first.poll(store, limit: limit).ids
                gotTwo += try await second.poll(store, limit: limit).ids
            }
            try expectEqual(gotOne, sentOne, "events of the first source")
            try expectEqual(gotTwo, sentTwo, "events of the second source")
        },
        Promise("I7: the states of a consumer's events add up to its events") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(7, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 4)
            _ = try await poller.settle(store, [sent[0]])
            _ = try await poller.settle(store, [sent[1]], as: .noRoute)
            let counts = try await store.status().sources.first { $0.id == sender.cursor }?.cursors[0].counts
            let expected: [Event.State: Int] = [.delivered: 1, .noRoute: 1, .drained: 2, .pending: 3]
            try expectEqual(counts, expected, "counts")
        },
        Promise("I8: a confirmed batch is never sent again") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(4, to: store)
            let before = poller.saved
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.poll(store, limit: 2)
            poller.saved = before
            let late = try await poller.peek(store)
            try expectEqual(late.ids, [], "events for the checkpoint before the confirmed batch")
            try expectEqual(late.warning, .regressed, "the warning")
        },
        Promise("I9: a replay needs an actor and a reason, and names itself in what it emits") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "the actor was down",
                selection: .events([sent[1]]))
            let receipt = try await store.replay(order)
            let answer = try await poller.poll(store)
            try expectEqual(answer.ids, [sent[1]], "events emitted again")
            let envelope = answer.envelopes.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
            let named = #""replay":{"id":"\#(receipt.id?.rawValue ?? "")","emission":2,"reason":"the actor was down"}"#
            try expect(envelope.contains(named), "the envelope names its replay: \(envelope)")
        },
        Promise("I10: at most one session is open; the one before is fenced for good") { harness, setUp in
            var (_, poller) = setUp.sides()
            let store = await harness.store
            try await poller.open(store, settles: false)
            let fenced = poller
            try await poller.open(store, settles: false)
            try await expectRefusal(.sessionFenced, "the session before") { _ = try await fenced.peek(store) }
            _ = try await poller.peek(store)
            try await harness.restart()
            let after = await harness.store
            try await expectRefusal(.sessionFenced, "after a restart") { _ = try await fenced.peek(after) }
            _ = try await poller.peek(after)
        },
        Promise("I11: a clock that jumps back changes no order and no cursor") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            var sent = try await sender.send(2, to: store)
            setUp.clock.move(by: .seconds(-86_400))
            sent += try await sender.send(2, to: store)
            var seen = try await poller.poll(store, limit: 3).ids
            setUp.clock.move(by: .seconds(-86_400))
            sent += try await sender.send(1, to: store)
            seen += try await poller.poll(store).ids
            try expectEqual(seen, sent, "events")
        },
        Promise("I12: what is refused changes nothing, not even that a consumer exists") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(1, to: store)
            let before = try await store.status()
            var stranger = poller
            stranger.saved = "2025-01-15T10:30:00.000Z"
            try await expectRefusal(.lineageMismatch, "a foreign checkpoint") {
                [stranger] in _ = try await stranger.peek(store)
            }
            stranger.saved = nil
            stranger.session = Session.ID("ses_0000000000000000")
            try await expectRefusal(.sessionUnknown, "an unknown session") {
                [stranger] in _ = try await stranger.peek(store)
            }
            let after = try await store.status()
            try expectEqual(after.sources, before.sources, "the sources")
            try expectEqual(after.databaseBytes, before.databaseBytes, "the size of the file")
            try expectEqual(after.walBytes, before.walBytes, "the size of the log")
        },
    ]
}
