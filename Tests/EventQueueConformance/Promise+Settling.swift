import EventQueue

extension Promise {
    /// S2: outcomes.
    static let settling: [Promise] = [
        Promise("S2: the first outcome wins, and settling twice changes nothing") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store)
            try await expectEqual(
                poller.settle(store, sent), Settlement(settled: 2, unknown: []), "the first time")
            try await expectEqual(
                poller.settle(store, sent, as: .failed), Settlement(settled: 0, unknown: []), "the second")
            try await expectEqual(poller.states(store, of: sent), [.delivered, .delivered], "states")
        },
        Promise("S2: ids that were never emitted to the reader come back as unknown") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 1)
            let reports = [sent[0].rawValue, sent[1].rawValue, "evt_stranger", "not an id"].map {
                OutcomeReport(eventID: $0, outcome: .delivered)
            }
            try await expectEqual(
                store.settle(reports, of: poller.cursor, session: poller.session),
                Settlement(settled: 1, unknown: [sent[1].rawValue, "evt_stranger", "not an id"]), "settled")
        },
        Promise("S2: a session settles what it was handed, not what went to another") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            try await poller.open(store, settles: true)
            let first = poller
            _ = try await poller.poll(store, limit: 1)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store, limit: 1)
            try await expectEqual(
                first.settle(store, sent), Settlement(settled: 1, unknown: [sent[1].rawValue]),
                "settled by the fenced session")
            try await expectEqual(
                poller.settle(store, sent), Settlement(settled: 1, unknown: [sent[0].rawValue]),
                "settled by the new one")
        },
        Promise("S2: an outcome ends doubt, and a late poll does not bring it back") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(1, to: store)
            try await poller.open(store, settles: true)
            _ = try await poller.poll(store)
            _ = try await poller.poll(store)
            let first = poller
            try await poller.open(store, settles: true)
            try await expectEqual(poller.states(store, of: sent), [.inDoubt], "after the fence")
            _ = try await first.settle(store, sent)
            _ = try await poller.poll(store)
            try await expectEqual(poller.states(store, of: sent), [.delivered], "after the outcome")
        },
        Promise("S2: the first settle makes a session a settling one") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            try await poller.open(store, settles: false)
            for _ in 0..<3 { _ = try await poller.poll(store, limit: 1) }
            _ = try await poller.settle(store, [sent[1]])
            try await poller.open(store, settles: false)
            try await expectEqual(
                poller.states(store, of: sent), [.inDoubt, .delivered, .drained], "states")
        },
        Promise("S2: without a session an outcome is of the latest emission") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(1, to: store)
            _ = try await poller.poll(store)
            try await expectEqual(poller.settle(store, sent).settled, 1, "settled")
            try await expectEqual(poller.states(store, of: sent), [.delivered], "states")
            let stranger = Poller(setUp.sources[1])
            try await expectEqual(
                stranger.settle(store, sent), Settlement(settled: 0, unknown: [sent[0].rawValue]),
                "settled by somebody who never read")
        },
    ]
}
