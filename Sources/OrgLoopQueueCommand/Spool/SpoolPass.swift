import EventQueue

/// What the service said to one spooled request.
enum SpoolAnswer: Sendable {
    /// It has it, now or from before.
    case taken
    /// It will never take it.
    case refused(status: Int, String)
    /// Not now: it is down, full, or stopping.
    case postponed(String)

    /// Reads a receiver's answer.
    init(status: Int, body: [UInt8]) {
        let text = "\(status) " + String(decoding: body.prefix(512), as: UTF8.self)
        switch status {
        case 200..<300: self = .taken
        // A busy service and one that is slow to read are no judgement about the request.
        case 408, 429, 500...: self = .postponed(text)
        default: self = .refused(status: status, text)
        }
    }
}

/// One way through a spool, oldest first, until it is empty or the service takes no more.
struct SpoolPass {
    /// Which files are meant.
    enum Scope {
        /// All: it is the spool of the service that takes them. What was addressed to another one stays unless
        /// this one believes it, too: it may have moved to another port.
        case everything
        /// Those for this service, and those that do not say where they belong.
        case unaddressed
        /// Those that say they are for this service.
        case addressed
    }

    /// What happened to the files that were there.
    struct Result: Sendable {
        var taken = 0
        var setAside: [(path: String, reason: String)] = []
        /// Names of files that are not for this service.
        var foreign: Set<String> = []
        /// Why it ended early; `nil` when every file was seen.
        var postponed: String?
        /// What the file system refused.
        var troubles: [String] = []
    }

    let spool: Spool
    /// The service that takes them.
    let url: String
    let scope: Scope

    /// Posts every file that is for this service.
    ///
    /// - Parameter skipping: Names of files to leave alone.
    func run(
        skipping: Set<String> = [], _ post: (SpooledRequest) async -> SpoolAnswer
    ) async -> Result {
        var result = Result()
        for name in spool.waiting() where !skipping.contains(name) {
            // A service that stops must not wait for a thousand files.
            guard !Task.isCancelled else {
                result.postponed = "stopping"
                break
            }
            do {
                try await take(name, &result, post)
            } catch let damage as SpooledRequest.Damage {
                setAside(name, damage, &result)
            } catch let failure as PrivateFile.Failure {
                result.troubles.append(failure.message)
            } catch {
                result.troubles.append("\(name): \(error)")
            }
            if result.postponed != nil { break }
        }
        return result
    }

    private func take(
        _ name: String, _ result: inout Result, _ post: (SpooledRequest) async -> SpoolAnswer
    ) async throws {
        guard let request = try spool.read(name) else { return }
        guard isMeant(request) else {
            result.foreign.insert(name)
            return
        }
        switch await post(request) {
        case .taken:
            try spool.remove(name)
            result.taken += 1
        case .refused(_, let reason) where request.isAddressed(to: url):
            result.setAside.append((try spool.setAside(name, reason: reason), reason))
        case .refused: result.foreign.insert(name)
        case .postponed(let reason): result.postponed = reason
        }
    }

    private func isMeant(_ request: SpooledRequest) -> Bool {
        switch scope {
        case .everything: true
        case .unaddressed: request.isAddressed(to: url)
        case .addressed: request.url != nil && request.isAddressed(to: url)
        }
    }

    private func setAside(_ name: String, _ damage: SpooledRequest.Damage, _ result: inout Result) {
        // A damaged file does not say whose it is; the service beside it looks after it.
        guard case .everything = scope else { return }
        do {
            let path = try spool.setAside(name, reason: damage.description)
            result.setAside.append((path, damage.description))
        } catch {
            result.troubles.append(error.message)
        }
    }
}
