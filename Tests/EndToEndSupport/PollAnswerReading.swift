package import EventQueueHTTP
import Foundation

extension HandoverHistory.Batch {
    /// An answer to a poll that says more, or less, than that events came or none.
    package struct Unreadable: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads the answer to a poll that presented `presented`.
    ///
    /// - Returns: `nil` when no events came.
    /// - Throws: ``Unreadable`` for a warning, and for events without a checkpoint.
    package static func read(
        _ reply: QueueClient.Reply, presented: String?, isSaved: Bool
    ) throws -> HandoverHistory.Batch? {
        let answer = try JSONDecoder().decode(Polled.self, from: Data(reply.body))
        guard answer.warning == nil else {
            throw Unreadable(description: "the poll warned: \(reply.text.suffix(200))")
        }
        guard !answer.events.isEmpty else { return nil }
        guard let checkpoint = answer.checkpoint,
            let start = reply.text.firstRange(of: #"{"events":"#)?.upperBound,
            let end = reply.text.ranges(of: #","checkpoint":"#).last?.lowerBound
        else { throw Unreadable(description: "events without a checkpoint: \(reply.text.suffix(200))") }
        return HandoverHistory.Batch(
            presented: presented, checkpoint: checkpoint,
            events: answer.events.map {
                .init(key: $0.payload.session_id, id: $0.id, replay: $0.provenance.replay?.id)
            },
            text: String(reply.text[start..<end]), isResent: answer.resent, isSaved: isSaved)
    }

    private struct Polled: Decodable {
        struct Event: Decodable {
            struct Payload: Decodable { let session_id: String }
            struct Provenance: Decodable { let replay: Replay? }
            struct Replay: Decodable { let id: String }

            let id: String
            let payload: Payload
            let provenance: Provenance
        }

        let events: [Event]
        let checkpoint: String?
        let resent: Bool
        let warning: String?
    }
}
