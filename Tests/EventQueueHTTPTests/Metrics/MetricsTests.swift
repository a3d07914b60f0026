import EventQueue
import Testing

@testable import EventQueueHTTP

/// What `/metrics` of a running service says after a scene that is known to the last request.
@Suite struct MetricsTests {
    @Test func `after a scripted scene every number is right`() async throws {
        var limits = Limits.Settings()
        limits.headTimeout = .seconds(60)
        try await TestService.run(limits: limits) { service in
            let before = try await service.metrics()
            #expect(before.value("readers") == 0)
            try await play(service)
            let read = try await service.metrics()
            let deploys = ["source": "deploys"]
            #expect(read.value("received_total", ["source": "deploys", "result": "stored"]) == 3)
            #expect(read.value("received_total", ["source": "deploys", "result": "duplicate"]) == 1)
            #expect(read.value("received_total", ["source": "deploys", "result": "invalid_json"]) == 1)
            #expect(read.value("http_requests_total", ["route": "webhook", "status": "200"]) == 4)
            #expect(read.value("http_requests_total", ["route": "poll", "status": "200"]) == 4)
            #expect(read.value("http_requests_total", ["route": "poll", "status": "409"]) == 1)
            #expect(read.value("receive_duration_seconds_count") == 5)
            #expect(read.value("commit_events_count") == 4)
            #expect(read.value("commit_events_sum") == 4)
            #expect(read.value("poll_duration_seconds_count") == 4)
            #expect(read.value("settle_duration_seconds_count") == 1)
            #expect(read.value("settled_total") == 1)
            #expect(read.value("handed_over_total", deploys) == 2)
            #expect(read.value("resent_batches_total", deploys) == 1)
            #expect(read.value("regressed_polls_total", deploys) == 1)
            #expect(read.value("protocol_refusals_total", ["code": "lineage_mismatch"]) == 1)
            #expect(read.value("protocol_refusals_total", ["code": "session_fenced"]) == 0)
            #expect(read.value("events_stored_total", deploys) == 3)
            #expect(read.value("events_held", deploys) == 3)
            #expect(read.value("quarantined", deploys) == 1)
            #expect(read.value("readers") == 1)
            let states: [(name: String, count: Double)] = [
                ("pending", 1), ("in_doubt", 1), ("delivered", 1), ("drained", 0),
            ]
            for (state, count) in states {
                let labels = ["source": "deploys", "consumer": "orgloop", "state": state]
                #expect(read.value("events", labels) == count, "\(state)")
            }
            try expectSurroundings(read, after: before)
        }
    }

    /// Three events and a duplicate; a batch of two that is sent twice; one of them settled, the other in doubt
    /// because the engine lost the checkpoint that it had saved; one that waits.
    private func play(_ service: TestService) async throws {
        _ = try await service.post("deploys", #"{"type":"x"}"#, [("Idempotency-Key", "one")])
        _ = try await service.post("deploys", #"{"type":"x"}"#, [("Idempotency-Key", "one")])
        let second = try await service.deploy(2)
        _ = try await service.post("deploys", "[")
        let batch = try await service.call("poll", #"{"limit":2}"#)
        let checkpoint = try #require(batch.json["checkpoint"] as? String)
        _ = try await service.call("poll", "{}")
        let outcome = #"{"outcomes":[{"event_id":"\#(second)","outcome":"delivered"}]}"#
        _ = try await service.call("settle", outcome)
        _ = try await service.call("poll", #"{"checkpoint":"rubbish"}"#)
        _ = try await service.call("poll", #"{"checkpoint":"\#(checkpoint)"}"#)
        _ = try await service.call("poll", "{}")
        _ = try await service.deploy(3)
    }

    private func expectSurroundings(_ read: Exposition, after before: Exposition) throws {
        #expect(read.value("build_info", ["version": "0.0.0"]) == 1)
        #expect(read.value("ready") == 1)
        #expect(read.value("store_up") == 1)
        #expect(read.value("spool_files") == 2)
        #expect(read.value("spool_rejected_files") == 1)
        #expect(read.value("config_last_reload_successful") == 1)
        #expect(read.value("in_flight_bytes") == 0)
        #expect(read.value("connections_open") ?? 0 >= 1)
        #expect(read.value("limit_connections_max") == 256)
        #expect(read.value("limit_wal_bytes_warning") == Double(256 << 20))
        for name in ["free_bytes", "database_bytes", "wal_bytes", "start_time_seconds"] {
            #expect(read.value(name) ?? 0 > 0, "\(name)")
        }
        let commits = try #require(read.value("commit_duration_seconds_count"))
        #expect(commits > 4)
        #expect(read.value("commit_duration_seconds_sum") ?? 0 > 0)
        for family in before.families {
            #expect(read.families.contains { $0.name == family.name && $0.kind == family.kind }, "\(family.name)")
        }
    }
}
