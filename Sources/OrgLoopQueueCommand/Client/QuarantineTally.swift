/// What became of the requests in quarantine that an order named.
struct QuarantineTally {
    /// Of one request.
    enum Outcome {
        case done
        /// It still cannot become an event.
        case kept
        case missing
    }

    private(set) var done = 0
    private(set) var kept = 0
    private(set) var missing: [Int] = []
    /// Why requests were kept, as codes.
    private var refusals: Set<String> = []

    var total: Int { done + kept + missing.count }

    mutating func count(_ reply: ServiceConnection.Reply, of number: Int) throws {
        switch try Self.outcome(of: reply) {
        case .done: done += 1
        case .kept:
            kept += 1
            if let code = reply.code { refusals.insert(code) }
        case .missing: missing.append(number)
        }
    }

    /// - Returns: What it was for this request.
    /// - Throws: ``CommandFailure`` for an answer that every other request would get, too.
    private static func outcome(of reply: ServiceConnection.Reply) throws -> Outcome {
        switch (reply.status, reply.code) {
        case (200, _): return .done
        case (404, "unknown_quarantine"): return .missing
        case (422, _), (404, "unknown_source"): return .kept
        default: throw reply.failure
        }
    }

    /// - Parameters:
    ///   - selection: What was meant: of all, none is missing that went meanwhile.
    ///   - place: The flags that lead to the same database.
    /// - Throws: ``CommandFailure`` that tells what is left, if anything is.
    func requireCompletion(of selection: QuarantineSelection, place: [String]) throws {
        let missing = selection.all ? [] : missing
        var left: [String] = []
        if kept > 0 {
            left.append("\(kept) of \(counted(total, "request")) \(kept == 1 ? "stays" : "stay") in quarantine")
        }
        if !missing.isEmpty {
            let numbers = missing.map(String.init).joined(separator: ", ")
            left.append(
                "\(missing.count) of \(total) \(missing.count == 1 ? "is" : "are") not in quarantine: \(numbers)")
        }
        guard !left.isEmpty else { return }
        let mends = kept > 0 ? mends(place) : []
        let list = "What is there: \(CommandText.line(["quarantine", "list"] + place))"
        throw CommandFailure(message: left.joined(separator: "; "), mend: (mends + [list]).joined(separator: "\n  "))
    }

    /// What can be done about the requests that were kept.
    private func mends(_ place: [String]) -> [String] {
        var refusals = refusals
        var mends: [String] = []
        if refusals.remove("idempotency_conflict") != nil {
            let retry = CommandText.line(["quarantine", "retry", "…", "--new-key"] + place)
            mends.append("Its key belongs to another event; to store it beside that one: \(retry)")
        }
        if refusals.remove("damaged") != nil {
            mends.append("What was changed since it came can only be discarded; orgloop-queue verify tells more.")
        }
        if !refusals.isEmpty {
            let reload = CommandText.line(["config", "reload"] + place)
            mends.append("If its source is configured wrongly, mend that, \(reload), and try again; else discard it.")
        }
        return mends
    }
}
