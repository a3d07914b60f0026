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

/// An answer as the load generator looks at it.
struct LoadAnswer: Equatable {
    /// What was wrong with it; `nil` for the answer that the sender waited for.
    let problem: String?
    let body: ByteBuffer
}

/// Cuts the bytes of a connection into answers.
///
/// It reads as little of them as it can: the generator shares its cores with what it measures.
protocol AnswerFraming: Sendable {
    /// Takes the next answer off `buffer`; `nil` while it is not whole.
    ///
    /// - Throws: ``FramingFailure`` for bytes that are no answer; the connection cannot be used any more.
    func next(from buffer: inout ByteBuffer) throws(FramingFailure) -> LoadAnswer?
}

/// Bytes that are no answer of the protocol.
struct FramingFailure: Error, Equatable {
    let reason: String
}
