import EventQueue

/// What the events, their senders and their readers tell.
struct QueueChecks {
    /// The configured sources.
    let configured: [SourceConfiguration]
    /// What the database knows; `nil` when it could not be read.
    let sources: [QueueStatus.SourceStatus]?
    let newestReceivedAt: Timestamp?
    let now: Timestamp
    /// The secrets that the service runs with; `nil` when it does not run, or nobody knows.
    var running: [Secret.Use]?
    var place = PrintedPlace.standard

    /// An engine that polls every few seconds is far behind then.
    private static let pendingAgeSecondsMax: Int64 = 3600
    /// Two clocks that are set by the network differ by less.
    private static let skewMax: Duration = .seconds(60)
    /// This program is not older, and its event ids end there.
    private static let plausible = 1_735_689_600_000..<4_102_444_800_000

    var findings: [Finding] {
        let read = sources ?? []
        return [clock] + configured.map(secret) + consumers(read) + read.compactMap(quarantine)
    }

    private var clock: Finding {
        let mend = "Set the clock (timedatectl, ntpd); it decides no order, but people read its times."
        guard Self.plausible.contains(Int(now.milliseconds)) else {
            return .fail("clock", "it says \(now)", mend: mend)
        }
        if let newestReceivedAt, newestReceivedAt > now.advanced(by: Self.skewMax) {
            return .warn("clock", "it says \(now), and an event came in at \(newestReceivedAt)", mend: mend)
        }
        return .ok("clock", "\(now)")
    }

    private func secret(_ source: SourceConfiguration) -> Finding {
        switch source.verification {
        case .secret(_, let secrets):
            let keys = secrets.map(\.keyID).joined(separator: ", ")
            let scheme = source.verification.scheme
            if let running = running?.filter({ $0.source == source.id }).map(\.keyID),
                Set(running) != Set(secrets.map(\.keyID))
            {
                let now = running.isEmpty ? "no secret" : "key \(running.joined(separator: ", "))"
                return .warn(
                    "secret", "\(source.id) is configured with key \(keys), and the service runs with \(now)",
                    mend: "If a file was changed: \(place.reload). A ${VARIABLE} that was changed needs a restart.")
            }
            return .ok("secret", "\(source.id) verifies its requests by \(scheme) (key \(keys))")
        case .none(outright: true): return .ok("secret", "\(source.id) takes unsigned requests, by scheme: none")
        case .none(outright: false):
            return .warn(
                "secret", "\(source.id) takes unsigned requests: no secret is set",
                mend: "Set `secret` in its config, or CLAUDE_CODE_WEBHOOK_SECRET without a configuration file.")
        }
    }

    private func consumers(_ sources: [QueueStatus.SourceStatus]) -> [Finding] {
        sources.flatMap { source -> [Finding] in
            guard !source.cursors.isEmpty else {
                return [
                    .warn(
                        "consumer", "nobody reads \(source.id), which has had \(counted(source.events, "event"))",
                        mend: "Start the engine with its connector, or read: "
                            + CommandText.line(["poll", "\(source.id)"] + place.calling))
                ]
            }
            return source.cursors.flatMap { cursor -> [Finding] in
                let troubles = troubles(cursor, of: source.id)
                let pending = cursor.counts[.pending] ?? 0
                let fine = "\(cursor.consumer) reads \(source.id), \(pending) pending"
                return troubles.isEmpty ? [.ok("consumer", fine)] : troubles
            }
        }
    }

    private func troubles(_ cursor: QueueStatus.CursorStatus, of source: Source.ID) -> [Finding] {
        let who = ["--source", "\(source)", "--consumer", "\(cursor.consumer)"]
        var findings: [Finding] = []
        if let doubtful = cursor.counts[.inDoubt], doubtful > 0 {
            findings.append(
                .warn(
                    "in doubt",
                    "\(counted(doubtful, "event")) of \(source) that \(cursor.consumer) may not have finished",
                    mend: CommandText.line(["replay"] + who + ["--in-doubt"] + place.calling + ["--reason", "…"])))
        }
        if let failed = cursor.counts[.failed], failed > 0 {
            findings.append(
                .warn(
                    "failed", "\(counted(failed, "event")) of \(source) failed at \(cursor.consumer)",
                    mend: "Look at them: "
                        + CommandText.line(["events"] + who + ["--state", "failed"] + place.calling)))
        }
        let waiting = cursor.oldestPendingAt.map { (now.milliseconds - $0.milliseconds) / 1000 }
        if let waiting, waiting > Self.pendingAgeSecondsMax {
            let age = StatusReport.age(waiting)
            findings.append(
                .warn(
                    "consumer", "\(cursor.consumer) is behind in \(source): the oldest pending event waits for \(age)",
                    mend: "Look at the engine: is it running, and does its connector poll \(source)?"))
        }
        return findings
    }

    private func quarantine(_ source: QueueStatus.SourceStatus) -> Finding? {
        guard source.quarantined > 0 else { return nil }
        let lost = source.quarantineDropped
        return .warn(
            "quarantine",
            "kept of \(source.id): \(counted(source.quarantined, "rejected request"))"
                + (lost > 0 ? "; \(lost) older ones were dropped to make room" : ""),
            mend: CommandText.line(["quarantine", "list", "--source", "\(source.id)"] + place.calling)
                + "; then retry them when the cause is mended, or discard them")
    }
}
