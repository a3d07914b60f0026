/// A request by which a sender makes sure that somebody is there, and which is no event.
public struct Handshake: Sendable {
    /// What the sender expects as the body of the answer.
    public let answer: [UInt8]

    /// Slack's, at the moment its URL is configured; `nil` for every other request.
    ///
    /// It is signed like an event, so nobody else can have a text sent back.
    ///
    /// https://docs.slack.dev/reference/events/url_verification
    public init?(_ request: VerifiedRequest) {
        guard request.verdict.scheme == Verifier.Scheme.slack.rawValue, let body = try? JSONText(request.body),
            body["type"].flatMap(body.string) == "url_verification",
            let challenge = body["challenge"].flatMap(body.string)
        else { return nil }
        answer = Array(challenge.utf8)
    }
}
