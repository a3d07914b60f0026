import EventQueue

/// The call that has the configuration read again.
extension ConsumerAPI {
    func reload(_ bytes: [UInt8]) async throws -> Answer {
        _ = try CallBody.decode(ReloadBody.self, from: bytes, members: [])
        // A verb that stands in for the service has read it just now.
        guard let reloads else { return Self.notFound }
        guard let report = await reloads.orderAndWait() else {
            return .problem(
                503, "shutting_down", title: "The service is shutting down.",
                detail: "It reads its configuration when it starts again.")
        }
        switch report.result {
        case .applied(let changes):
            return .json(
                200,
                [
                    "applied": true, "at": .text(report.at.iso8601), "file": .textOrNull(reloads.standing.file),
                    "changes": .list(changes.map { .text($0) }),
                    "needs_restart": .list(report.needsRestart.map { .text($0) }),
                ])
        case .refused(let problems):
            return .problem(
                422, "configuration_invalid",
                title: "The configuration cannot be used; the one before it still holds.",
                detail: problems.joined(separator: "\n"),
                more: [("problems", .list(problems.map { .text($0) }))])
        case .putOff(let reason):
            return .problem(
                503, "configuration_put_off",
                title: "The configuration could not be applied now; the one before it still holds.",
                detail: reason
            ).with("Retry-After", "5")
        }
    }
}

private struct ReloadBody: Decodable {}

extension Reloads.Standing {
    /// What `GET /v1/status` tells of the configuration.
    var json: JSON {
        var refused = JSON.null
        var putOff = JSON.null
        switch failure?.result {
        case nil, .applied: break
        case .refused(let problems): refused = .list(problems.map { .text($0) })
        case .putOff(let reason): putOff = .text(reason)
        }
        return [
            "file": .textOrNull(file), "loaded_at": .text(loadedAt.iso8601),
            "needs_restart": .list(needsRestart.map { .text($0) }),
            "failed_at": .textOrNull(failure?.at.iso8601), "refused": refused, "put_off": putOff,
        ]
    }
}
