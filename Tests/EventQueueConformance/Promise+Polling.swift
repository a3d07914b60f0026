import EventQueue

extension Promise {
    /// P1 to P4, and the edges that the design decides.
    static let polling: [Promise] = [
        Promise("P1: with nothing ever handed over the checkpoint is null; later it stays the last one") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await expectEqual(poller.poll(store), PollAnswer(envelopes: [], checkpoint: nil), "at first")
            try await sender.send(1, to: store)
            let batch = try await poller.poll(store)
            let empty = try await poller.poll(store)
            try expectEqual(empty, PollAnswer(envelopes: [], checkpoint: batch.checkpoint), "when empty")
        },
        Promise("P2: presenting the checkpoint before it gets the batch again, presenting its own the next") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(4, to: store)
            try await expectEqual(poller.poll(store, limit: 2).ids, Array(sent[..<2]), "the first batch")
            let lost = try await poller.peek(store, limit: 2)
            let again = try await poller.poll(store, limit: 2)
            try expectEqual(again.envelopes, lost.envelopes, "the lost batch")
            try expectEqual(again.ids, Array(sent[2...]), "its events")
            try await expectEqual(poller.poll(store).ids, [], "the next")
        },
        Promise("P3 resume: an older checkpoint gets the next batch, the last one's events are in doubt") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(6, to: store)
            _ = try await poller.poll(store, limit: 2)
            let old = poller.saved
            _ = try await poller.poll(store, limit: 2)
            _ = try await poller.poll(store, limit: 1)
            poller.saved = old
            let answer = try await poller.poll(store)
            try expectEqual(answer.ids, [sent[5]], "the next events")
            try expectEqual(answer.warning, .regressed, "the warning")
            let states = try await poller.states(store, of: sent)
            let expected: [Event.State?] = [
                .confirmed, .confirmed, .confirmed, .confirmed, .inDoubt, .drained,
            ]
            try expectEqual(states, expected, "states")
        },
        Promise("P3 resume: the stale checkpoint is the origin of the batch it made") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(2, to: store)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store, limit: 1)
            let last = poller.saved
            try await sender.send(1, to: store)
            poller.saved = nil
            let made = try await poller.peek(store)
            try expectEqual(made.ids.count, 1, "events after the regression")
            let again = try await poller.peek(store)
            try expectEqual(again.envelopes, made.envelopes, "the batch for the same stale checkpoint")
            try expect(again.resent, "it is sent again")
            poller.saved = last
            try await expectEqual(poller.peek(store).warning, .regressed, "the old checkpoint regresses again")
        },
        Promise("P3 resume: a regression with nothing to send makes no batch and can be repeated") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            _ = try await poller.poll(store, limit: 1)
            let last = try await poller.poll(store, limit: 1)
            poller.saved = nil
            let expected = PollAnswer(envelopes: [], checkpoint: last.checkpoint, warning: .regressed)
            for _ in 0..<3 { try await expectEqual(poller.peek(store), expected, "the answer") }
            try await expectEqual(
                poller.states(store, of: sent), [.confirmed, .inDoubt], "states after the regressions")
            try await expectEqual(store.status().sources[0].cursors[0].lastBatch?.rawValue, 2, "batches")
        },
        Promise("P3 refuse: an older checkpoint is refused until an operator resumes") { harness, setUp in
            guard let refusing = setUp.refusing else { throw BrokenPromise("no refusing consumer") }
            var (sender, poller) = setUp.sides(consumer: refusing)
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store, limit: 1)
            poller.saved = nil
            let stale = poller
            try await expectRefusal(.checkpointRegressed, "null") { _ = try await stale.peek(store) }
            let order = ResumeOrder(cursor: poller.cursor, actor: "ada", reason: "checked by hand")
            try await expectEqual(store.resume(order).passedOver, 0, "events passed over")
            try await expectEqual(poller.poll(store).ids, [sent[2]], "events after the resume")
            try await expectEqual(poller.poll(store).ids, [], "the next poll")
        },
        Promise("P3 refuse: a replay answers the refusal as a resume does") { harness, setUp in
            guard let refusing = setUp.refusing else { throw BrokenPromise("no refusing consumer") }
            var (sender, poller) = setUp.sides(consumer: refusing)
            let store = await harness.store
            let sent = try await sender.send(2, to: store)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store, limit: 1)
            _ = try await poller.poll(store)
            poller.saved = nil
            let order = Replay.Order(
                cursor: poller.cursor, actor: "ada", reason: "lost", selection: .events([sent[0]]))
            _ = try await store.replay(order)
            try await expectEqual(poller.poll(store).ids, [sent[0]], "events after the replay")
        },
        Promise("P4: a checkpoint from after the restored backup is refused, and so is every later one") {
            harness, setUp in
            var (sender, poller) = setUp.sides()
            try await sender.send(3, to: harness.store)
            _ = try await poller.poll(harness.store, limit: 1)
            var honest = poller
            try await harness.takeBackup()
            _ = try await poller.poll(harness.store, limit: 1)
            let ahead = poller
            try await harness.restoreBackup()
            let store = await harness.store
            try await expectRefusal(.checkpointAhead, "a batch that is not there") {
                _ = try await ahead.peek(store)
            }
            // A batch of the same number is made again; its nonce tells the two apart.
            try await expectEqual(honest.poll(store, limit: 1).ids.count, 1, "events of the batch made again")
            try await expectRefusal(.lineageMismatch, "the same number with another nonce") {
                _ = try await ahead.peek(store)
            }
        },
        Promise("P4: a checkpoint of another source or consumer is refused") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            try await sender.send(1, to: store)
            _ = try await poller.poll(store)
            var elsewhere = Poller(setUp.sources[1])
            elsewhere.saved = poller.saved
            try await expectRefusal(.lineageMismatch, "another source") {
                [elsewhere] in _ = try await elsewhere.peek(store)
            }
            guard let other = Consumer.ID("other") else { return }
            var stranger = Poller(setUp.sources[0], consumer: other)
            stranger.saved = poller.saved
            try await expectRefusal(.lineageMismatch, "another consumer") {
                [stranger] in _ = try await stranger.peek(store)
            }
        },
        Promise("consumers read independently") { harness, setUp in
            var (sender, poller) = setUp.sides()
            let store = await harness.store
            let sent = try await sender.send(3, to: store)
            guard let name = Consumer.ID("second") else { return }
            var second = Poller(setUp.sources[0], consumer: name)
            try await expectEqual(poller.poll(store).ids, sent, "the first consumer's")
            try await expectEqual(second.poll(store, limit: 2).ids, Array(sent[..<2]), "the second's")
            try await expectEqual(second.poll(store).ids, [sent[2]], "the rest of the second's")
        },
    ]
}
