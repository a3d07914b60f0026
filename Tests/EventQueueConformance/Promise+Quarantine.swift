import EventQueue

extension Promise {
    /// Requests that could not become events, and what becomes of them.
    static let quarantine: [Promise] = [
        Promise("a kept request that becomes an event is stored once and kept no longer, also after a kill") {
            harness, setUp in
            let (sender, poller) = setUp.sides()
            let event = try sender.event("late", key: "delivery-1")
            let kept = try await keep(event.request, of: sender, in: harness.store)
            try await expectEqual(
                harness.store.release(kept.id, as: [event]), [.stored(event.id)], "the release")
            try await expectEqual(harness.store.release(kept.id, as: [event]), nil, "a second release")
            try await harness.restart()
            try await expectEqual(harness.store.quarantined(kept.id) == nil, true, "gone after a restart")
            try await expectEqual(poller.peek(harness.store).ids, [event.id], "events")
            try await expectEqual(harness.store.status().sources.first?.quarantined, 0, "the count")
        },
        Promise("a kept request whose delivery came in meanwhile is not stored twice") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try sender.event("same", key: "delivery-1")
            let kept = try await keep(first.request, of: sender, in: store)
            try await expectEqual(store.append(first), .stored(first.id), "the delivery")
            let again = try sender.event("same", key: "delivery-1")
            try await expectEqual(store.release(kept.id, as: [again]), [.duplicate(first.id)], "the release")
            try await expectEqual(store.quarantined(kept.id) == nil, true, "gone")
            try await expectEqual(poller.peek(store).ids, [first.id], "events")
        },
        Promise("a kept request whose key belongs to another event stays, and nothing is stored") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try sender.event("one", key: "delivery-1")
            try await expectEqual(store.append(first), .stored(first.id), "the delivery")
            let other = try sender.event("two", key: "delivery-1")
            let kept = try await keep(other.request, of: sender, in: store)
            let results = try await store.release(kept.id, as: [try sender.event("three"), other])
            try expectEqual(results?.last, .conflict(first.id), "the release")
            try await expectEqual(store.quarantined(kept.id)?.id, kept.id, "still kept")
            try await expectEqual(poller.peek(store).ids, [first.id], "events")
        },
        Promise("kept requests are listed in their order, shown whole, and discarded once") { harness, setUp in
            let (sender, _) = setUp.sides()
            let other = Sender(setUp.sources[1], setUp.clock)
            let store = await harness.store
            var ids: [Int64] = []
            for text in ["one", "two", "three"] {
                ids.append(try await keep(try sender.event(text, key: text).request, of: sender, in: store).id)
            }
            let foreign = try await keep(try other.event("four").request, of: other, in: store)
            let all = try await store.quarantined(of: nil, after: nil, limit: 10)
            try expectEqual(all.map(\.id), ids + [foreign.id], "all")
            try expectEqual(all.allSatisfy { $0.body == nil }, true, "a listing without bodies")
            let page = try await store.quarantined(of: sender.cursor, after: ids[0], limit: 1)
            try expectEqual(page.map(\.id), [ids[1]], "a page of one source")
            let shown = try await store.quarantined(ids[1])
            let request = try sender.event("two", key: "two").request
            try expectEqual(shown?.body, request.body, "the body")
            try expectEqual(shown?.verified()?.idempotencyKey, "two", "the key")
            try expectEqual(shown?.verified(keepsKey: false)?.idempotencyKey, nil, "without its key")
            try await expectEqual(store.discard(ids[1]), true, "a discard")
            try await expectEqual(store.discard(ids[1]), false, "a second one")
            let counts = try await store.status().sources.map(\.quarantined)
            try expectEqual(counts, [2, 1], "the counts")
        },
    ]

    /// Puts a request into quarantine and finds it there.
    private static func keep(
        _ request: VerifiedRequest, of sender: Sender, in store: any EventStore
    ) async throws -> QuarantinedRequest {
        try await store.quarantine(
            RejectedRequest(source: sender.cursor, request: request, rejection: .invalidJSON(detail: "a test")))
        let newest = try await store.quarantined(of: sender.cursor, after: nil, limit: 100).last
        guard let newest else { throw BrokenPromise("what was put into quarantine is not there") }
        return newest
    }
}
