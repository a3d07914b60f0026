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
                harness.store.release(kept.retry, as: [event]), [.stored(event.id)], "the release")
            try await expectEqual(harness.store.release(kept.retry, as: [event]), nil, "a second release")
            try await harness.restart()
            try await expectEqual(harness.store.quarantined(kept.id) == nil, true, "gone after a restart")
            try await expectEqual(poller.peek(harness.store).ids, [event.id], "events")
            try await expectEqual(harness.store.status().sources.first?.quarantined, 0, "the count")
            let orders = try await harness.store.quarantineOrders(about: kept.id)
            try expectEqual(orders, [order(.retried, at: setUp.clock.now, events: [event.id])], "the record")
        },
        Promise("a kept request whose delivery came in meanwhile is not stored twice") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try sender.event("same", key: "delivery-1")
            let kept = try await keep(first.request, of: sender, in: store)
            try await expectEqual(store.append(first), .stored(first.id), "the delivery")
            let again = try sender.event("same", key: "delivery-1")
            try await expectEqual(store.release(kept.retry, as: [again]), [.duplicate(first.id)], "the release")
            try await expectEqual(store.quarantined(kept.id) == nil, true, "gone")
            try await expectEqual(poller.peek(store).ids, [first.id], "events")
            let orders = try await store.quarantineOrders(about: kept.id)
            try expectEqual(orders.map(\.events), [[first.id]], "what it became")
        },
        Promise("a kept request whose key belongs to another event stays, and nothing is stored") { harness, setUp in
            let (sender, poller) = setUp.sides()
            let store = await harness.store
            let first = try sender.event("one", key: "delivery-1")
            try await expectEqual(store.append(first), .stored(first.id), "the delivery")
            let other = try sender.event("two", key: "delivery-1")
            let kept = try await keep(other.request, of: sender, in: store)
            let results = try await store.release(kept.retry, as: [try sender.event("three"), other])
            try expectEqual(results?.last, .conflict(first.id), "the release")
            try await expectEqual(store.quarantined(kept.id)?.id, kept.id, "still kept")
            try await expectEqual(poller.peek(store).ids, [first.id], "events")
            try await expectEqual(store.quarantineOrders(about: kept.id), [], "no order was carried out")
        },
        Promise("a refused retry keeps the request for what refused it, on record, also after a kill") {
            harness, setUp in
            let (sender, _) = setUp.sides()
            let request = try sender.event("late").request
            let kept = try await keep(request, of: sender, in: harness.store)
            let refusal = QuarantinedRequest.Refusal(.missingField(name: "x", detail: "x must be there"))
            try await expectEqual(harness.store.refuse(kept.retry, as: refusal), true, "the refusal")
            try await harness.restart()
            let store = await harness.store
            let shown = try await store.quarantined(kept.id)
            try expectEqual(shown?.reason, "missing_field", "the reason")
            try expectEqual(shown?.detail, "x must be there", "the detail")
            try expectEqual(shown?.body, request.body, "the body")
            let orders = try await store.quarantineOrders(about: kept.id)
            try expectEqual(orders, [order(.refused, at: setUp.clock.now, rejection: "missing_field")], "the record")
            for _ in 1...3 { _ = try await store.refuse(kept.retry, as: refusal) }
            try await expectEqual(store.quarantineOrders(about: kept.id).count, 1, "repeated, it is recorded once")
            _ = try await store.refuse(kept.retry, as: .damaged)
            _ = try await store.refuse(QuarantinedRequest.Retry(request: kept.id, actor: "bob"), as: .damaged)
            let later = try await store.quarantineOrders(about: kept.id).map(\.actor)
            try expectEqual(later, ["ada", "ada", "bob"], "what differs is recorded")
            let nobody = QuarantinedRequest.Retry(request: kept.id + 1, actor: "ada")
            try await expectEqual(store.refuse(nobody, as: refusal), false, "a refusal of nothing")
            try await expectEqual(store.quarantineOrders(about: kept.id + 1), [], "and no record of it")
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
            try expectEqual(shown?.verified(.waivingKey)?.idempotencyKey, nil, "without its key")
            let discard = QuarantinedRequest.Discard(request: ids[1], actor: "ada", reason: "why")
            try await expectEqual(store.discard(discard), true, "a discard")
            try await expectEqual(store.discard(discard), false, "a second one")
            let orders = try await store.quarantineOrders(about: ids[1])
            try expectEqual(orders, [order(.discarded, at: setUp.clock.now)], "the record")
            let counts = try await store.status().sources.map(\.quarantined)
            try expectEqual(counts, [2, 1], "the counts")
            guard let unknown = Source.ID("nobody") else { throw BrokenPromise("nobody is a name") }
            try await expectRefusal(.sourceUnknown, "a source that nobody knows") {
                _ = try await store.quarantined(of: unknown, after: nil, limit: 10)
            }
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

    private static func order(
        _ action: QuarantinedRequest.Order.Action, at time: Timestamp, rejection: String = "invalid_json",
        events: [Event.ID] = []
    ) -> QuarantinedRequest.Order {
        QuarantinedRequest.Order(
            action: action, actor: "ada", reason: "why", orderedAt: time.iso8601, rejection: rejection, events: events)
    }
}

extension QuarantinedRequest {
    fileprivate var retry: Retry { Retry(request: id, actor: "ada", reason: "why") }
}
