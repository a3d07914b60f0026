import EventQueue
import NIOCore

/// The body of a request while it comes in, within its bounds. Whoever has it releases it in the end.
struct IncomingBody {
    /// Why it is not read to its end.
    enum Failure: Error {
        case tooLarge
        case tooSlow
        /// All bodies together take the memory that they may.
        case noRoom
        /// It is not as long as it says, or its end does not come.
        case broken
    }

    private(set) var bytes: [UInt8] = []
    private let declared: Int?
    private let bytesMax: Int
    private let budget: ByteBudget

    /// - Throws: ``Failure/tooLarge`` for a body that says so itself.
    init(_ headers: some HeaderLookup, bytesMax: Int, budget: ByteBudget) throws(Failure) {
        declared = headers.declaredLength
        self.bytesMax = bytesMax
        self.budget = budget
        if let declared, declared > bytesMax { throw .tooLarge }
    }

    /// Takes what has come. Room is taken by that: a length alone, of which a peer can send many, would keep others
    /// out.
    mutating func take(_ part: ByteBuffer) throws(Failure) {
        guard bytes.count + part.readableBytes <= bytesMax else { throw .tooLarge }
        guard budget.reserve(part.readableBytes) else { throw .noRoom }
        part.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
    }

    /// Notes that nothing more comes.
    ///
    /// - Throws: ``Failure/broken`` for half a body, which is no body.
    func end() throws(Failure) {
        if let declared, declared != bytes.count { throw .broken }
    }

    /// Gives its room back.
    func release() { budget.release(bytes.count) }
}

extension Answer {
    /// The answer to a body that is none: a chunk that is not as long as it says, or an end that does not come.
    static let brokenBody = Answer.json(
        400, ["error": "Bad request", "detail": "The body does not end where its head says."])

    /// The answer to a request whose body it did not need: whatever the peer still sends is not going to be read.
    func unread(_ headers: some HeaderLookup) -> Answer {
        let hasBody =
            !headers.values(of: "transfer-encoding").isEmpty
            || headers.values(of: "content-length").contains { $0 != "0" }
        return hasBody ? closing() : self
    }
}
