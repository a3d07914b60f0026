/// One answer to a poll, with its events as the service sent them.
struct Handover {
    let events: [[UInt8]]
    let checkpoint: String?
    let warning: String?

    private struct Members: Decodable {
        let checkpoint: String?
        let warning: String?
    }

    init(_ reply: ServiceConnection.Reply) throws {
        let members = try reply.decoded(Members.self)
        events = JSONOutput.elements(of: "events", in: reply.body)
        checkpoint = members.checkpoint
        warning = members.warning
    }
}
