import EventQueue

extension Promise {
    /// S1 and S3: who may poll, and what an ended session leaves in doubt.
    static let sessions: [Promise] = [
        Promise("S1: a plain caller may poll while no session is open, and not beside one") { harness, setUp in
            var (_, poller) = setUp.sides()
            let plain = poller
            let store = await harness.store
            _ = try await plain.peek(store)
            try await poller.open(store, settles: false)
            try await expectRefusal(.sessionRequired, "beside a session") { _ = try await plain.peek(store) }
            guard let session = poller.session else { return }
            try await store.closeSession(session, of: poller.cursor)
            try await store.closeSession(session, of: poller.cursor)
            _ = try await plain.peek(store)
            let closed = poller
            try await expectRefusal(.sessionClosed, "a closed session") { _ = try await closed.peek(store) }
        },
        Promise("S1: a session is of one consumer and source") { harness, setUp in
            var (_, poller) = setUp.sides()
            let store = await harness.store
            try await poller.open(store, settles: false)
            var elsewhere = Poller(setUp.sources[1])
            _ = try await elsewhere.poll(store)
            elsewhere.session = poller.session
            let stranger = elsewhere
            try await expectRefusal(.sessionUnknown, "another source") { _ = try await stranger.peek(store) }
        },
        Promise("a session may start a new consumer at the end") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(3, to: store)
            poller.session = try await store.openSession(
                SessionRequest(cursor: poller.cursor, engine: "suite/1", settles: false, start: .now))
            try await expectEqual(poller.poll(store).ids, [], "events before the start")
            let sent = try await sender.send(1, to: store)
            try await expectEqual(poller.poll(store).ids, sent, "events after the start")
        },
        Promise("S3: a settling session that is fenced leaves its unsettled confirmed events in doubt") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(4, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.settle(store, [sent[0]])
            try await poller.open(store, settles: true)
            try await expectEqual(
                poller.states(store, of: sent), [.delivered, .inDoubt, .drained, .drained], "states")
        },
        Promise("S3: the outstanding batch is judged by what the next session presents") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(4, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 2)
            // The answer was saved: the next session presents it, so only the settled event is safe.
            _ = try await poller.settle(store, [sent[0]])
            try await poller.open(store, settles: true)
            let lost = try await poller.peek(store, limit: 2)
            try await expectEqual(
                poller.states(store, of: sent), [.delivered, .inDoubt, .drained, .drained], "saved")
            // The answer was not saved: the next session presents the one before and gets it again.
            try await poller.open(store, settles: true)
            let again = try await poller.poll(store)
            try expectEqual(again.envelopes, lost.envelopes, "the batch sent again")
            _ = try await poller.poll(store)
            try await expectEqual(
                poller.states(store, of: sent), [.delivered, .inDoubt, .confirmed, .confirmed], "not saved")
        },
        Promise("S3: a session that does not settle leaves only its last batch in doubt, unless it closed") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(6, to: store)
            try await poller.open(store, settles: false)
            for _ in 0..<2 { _ = try await poller.poll(store, limit: 1) }
            _ = try await poller.poll(store, limit: 1)
            try await poller.open(store, settles: false)
            _ = try await poller.poll(store, limit: 1)
            try await expectEqual(
                poller.states(store, of: Array(sent[..<4])), [.confirmed, .confirmed, .inDoubt, .drained],
                "fenced")
            guard let session = poller.session else { return }
            try await store.closeSession(session, of: poller.cursor)
            try await poller.open(store, settles: false)
            _ = try await poller.poll(store, limit: 1)
            try await expectEqual(poller.states(store, of: [sent[3]]), [.confirmed], "closed")
        },
        Promise("S3: a closed settling session leaves what it confirmed and did not settle in doubt") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            _ = try await poller.settle(store, [sent[1]])
            guard let session = poller.session else { return }
            try await store.closeSession(session, of: poller.cursor)
            try await expectEqual(poller.states(store, of: sent), [.inDoubt, .delivered], "states")
        },
        Promise("S3: what stays unsettled for too long is in doubt") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            _ = try await poller.settle(store, [sent[0]])
            setUp.clock.move(by: .seconds(14 * 60))
            try await expectEqual(store.judgeOverdue(), 0, "in doubt within the limit")
            setUp.clock.move(by: .seconds(61))
            try await expectEqual(store.judgeOverdue(), 1, "in doubt beyond it")
            try await expectEqual(poller.states(store, of: sent), [.delivered, .inDoubt], "states")
            try await expectEqual(store.judgeOverdue(), 0, "in doubt a second time")
        },
        Promise("S3: a session survives a restart of the store") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let sent = try await sender.send(2, to: harness.store)
            try await poller.open(harness.store, settles: true)
            _ = try await poller.poll(harness.store, limit: 1)
            try await harness.restart()
            let store = await harness.store
            try await expectEqual(poller.poll(store, limit: 1).ids, [sent[1]], "events after the restart")
            try await expectEqual(poller.states(store, of: sent), [.confirmed, .drained], "states")
        },
    ]
}
