import EventQueue
import NIOHTTP1

/// Everything that is asked of a sender's request before its body is, and what is answered where that fails.
struct Reception: Sendable {
    let gate: Gate
    let receiver: Receiver
    let budget: ByteBudget
    let date = DateField()

    /// Decides what can be told from a head.
    ///
    /// - Parameter source: The name in the path, which may be no source's.
    func admit(_ method: HTTPMethod, _ source: String, _ headers: RequestFields) -> Receiver.Admission {
        let hasOrigin = !headers.values(of: "origin").isEmpty
        if let refusal = gate.refusal(hosts: headers.values(of: "host"), hasOrigin: hasOrigin) {
            return .refused(refusal.unread(headers))
        }
        let admission = receiver.admit(method: method.rawValue, source: source, headers: headers)
        guard case .refused(let answer) = admission else { return admission }
        return .refused(answer.unread(headers))
    }

    /// The answer to a body that is not read to its end; the last one of its connection.
    func answer(to failure: IncomingBody.Failure, of source: Source) -> Answer {
        let answer =
            switch failure {
            case .tooLarge: receiver.tooLarge(source)
            case .tooSlow: receiver.tooSlow(source)
            case .noRoom: Receiver.busy
            case .broken: Answer.brokenBody
            }
        return answer.closing()
    }
}
