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

    var total: Int { done + kept + missing.count }

    mutating func count(_ outcome: Outcome, of number: Int) {
        switch outcome {
        case .done: done += 1
        case .kept: kept += 1
        case .missing: missing.append(number)
        }
    }

    /// - Returns: What it was for this request.
    /// - Throws: ``CommandFailure`` for an answer that every other request would get, too.
    static func outcome(of reply: ServiceConnection.Reply) throws -> Outcome {
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
        let list = CommandText.line(["quarantine", "list"] + place)
        throw CommandFailure(
            message: left.joined(separator: "; "),
            mend: kept > 0
                ? "Mend the configuration of their source, have it read again (orgloop-queue config reload), and try "
                    + "again; or discard them. What is left: \(list)"
                : "What is there: \(list)")
    }
}
