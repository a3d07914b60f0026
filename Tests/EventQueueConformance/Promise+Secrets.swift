import EventQueue

extension Promise {
    /// The history of the secrets that the sources are configured with.
    static let secrets: [Promise] = [
        Promise("what is configured is recorded once, and again only when it changes, also after a kill") {
            harness, setUp in
            let old = use(setUp.sources[0], "0a0a0a0a")
            let new = use(setUp.sources[0], "0b0b0b0b")
            let began = setUp.clock.now
            try await expectEqual(
                harness.store.recordSecrets([new, old]), Secret.Changes(configured: [new, old]), "at first")
            setUp.clock.move(by: .seconds(60))
            try await harness.restart()
            try await expectEqual(harness.store.recordSecrets([old, new]), Secret.Changes(), "the same again")
            try await expectEqual(
                harness.store.recordSecrets([new]), Secret.Changes(dropped: [old]), "without the old one")
            try await expectEqual(harness.store.recordSecrets([new]), Secret.Changes(), "the same again")
            try await expectEqual(
                harness.store.secretHistory(),
                [
                    Secret.Period(use: new, configuredAt: began, droppedAt: nil),
                    Secret.Period(use: old, configuredAt: began, droppedAt: setUp.clock.now),
                ], "the history")
        },
        Promise("a secret that comes back has a second time of use, and the first one stays as it was") {
            harness, setUp in
            let store = await harness.store
            let secret = use(setUp.sources[0], "0a0a0a0a")
            var times: [Timestamp] = []
            for uses in [[secret], [], [secret], []] {
                times.append(setUp.clock.now)
                try await store.recordSecrets(uses)
                // The clock of a machine is set back, too.
                setUp.clock.move(by: .seconds(times.count == 2 ? -3600 : 60))
            }
            try await expectEqual(
                store.secretHistory(),
                [
                    Secret.Period(use: secret, configuredAt: times[0], droppedAt: times[1]),
                    Secret.Period(use: secret, configuredAt: times[2], droppedAt: times[3]),
                ], "the history")
        },
        Promise("a source that is not configured any more has all its secrets dropped, and no other has") {
            harness, setUp in
            let store = await harness.store
            let gone = ["0a0a0a0a", "0b0b0b0b"].map { use(setUp.sources[0], $0) }
            // Two sources may share a secret; a source that is new with it need not have received anything.
            let shared = use(setUp.sources[1], "0a0a0a0a")
            let new = use(Source.ID("new") ?? setUp.sources[1], "0a0a0a0a")
            try await store.recordSecrets(gone + [shared])
            try await expectEqual(
                store.recordSecrets([shared, new]), Secret.Changes(configured: [new], dropped: gone), "the changes")
            try await expectEqual(
                store.secretHistory().filter { $0.droppedAt == nil }.map(\.use), [shared, new], "what is in use")
        },
        Promise("a secret under another scheme is another use of it, and one that is given twice is one") {
            harness, setUp in
            let store = await harness.store
            let before = use(setUp.sources[0], "0a0a0a0a")
            let after = Secret.Use(source: before.source, keyID: before.keyID, scheme: "github")
            try await expectEqual(
                store.recordSecrets([before, before]), Secret.Changes(configured: [before]), "given twice")
            try await expectEqual(
                store.recordSecrets([after]), Secret.Changes(configured: [after], dropped: [before]), "the changes")
            try await expectEqual(store.secretHistory().map(\.use), [before, after], "the history")
        },
    ]

    private static func use(_ source: Source.ID, _ keyID: String) -> Secret.Use {
        Secret.Use(source: source, keyID: keyID, scheme: "hub")
    }
}
