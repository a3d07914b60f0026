import EventQueue
import NIOCore
import Synchronization

/// What comes back for the connections of one event loop from elsewhere, the writer's thread above all.
///
/// A commit answers many requests at once. Waking the loop for each of them would cost more than the answers do: it is
/// woken for the first that lies here, and takes all that there are.
final class Mailbox: Sendable {
    /// What a connection's handler is told.
    enum Letter: Sendable {
        /// What became of its event.
        case appended(Result<Appended, any Error>)
        case answer(Answer)
    }

    private typealias Delivery = (recipient: NIOLoopBound<WebhookHandler>, letter: Letter)

    let loop: any EventLoop
    private let deliveries = Mutex<[Delivery]>([])

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Hands `letter` over on the event loop, later: never before this returns.
    func put(_ letter: Letter, for recipient: NIOLoopBound<WebhookHandler>) {
        let isFirst = deliveries.withLock { deliveries in
            deliveries.append((recipient, letter))
            return deliveries.count == 1
        }
        if isFirst { loop.execute { self.deliver() } }
    }

    private func deliver() {
        let all = deliveries.withLock { deliveries in
            defer { deliveries = [] }
            return deliveries
        }
        for (recipient, letter) in all { recipient.value.receive(letter) }
    }
}

/// One mailbox for each event loop.
final class Mailboxes: Sendable {
    private let mailboxes = Mutex<[ObjectIdentifier: Mailbox]>([:])

    /// The mailbox of `loop`.
    func mailbox(of loop: any EventLoop) -> Mailbox {
        mailboxes.withLock { mailboxes in
            let id = ObjectIdentifier(loop)
            if let known = mailboxes[id] { return known }
            let new = Mailbox(loop)
            mailboxes[id] = new
            return new
        }
    }
}
