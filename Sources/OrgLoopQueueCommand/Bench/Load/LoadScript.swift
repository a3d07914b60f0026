import NIOCore

/// What the connections of a run say, and how they are answered.
protocol LoadScript: Sendable {
    /// How answers are told apart.
    var framing: any AnswerFraming { get }

    /// What each connection says; called on the event loop, which is the only user of the result.
    func dialogues(_ connections: Int) -> [any Dialogue]
}

/// What a connection says, request by request, on the event loop.
protocol Dialogue: AnyObject {
    /// The next request; `nil` when there is none.
    func next() -> ByteBuffer?

    /// Looks at the answer to the last request.
    ///
    /// - Returns: What is wrong with it; `nil` when it is what was expected.
    func take(_ body: ByteBuffer) -> String?
}
