/// A reader of outside bytes, and what holds whatever the bytes are.
protocol FuzzSubject: Sendable {
    /// The directory below `Corpus` that has its whole inputs.
    static var corpus: String { get }
    /// What its format is made of.
    static var words: [String] { get }

    init(random: SeededRandom) throws

    /// An input that is right, or wrong in a way that no mutation finds.
    func generate(_ random: SeededRandom) -> [UInt8]?

    /// Reads `input`.
    ///
    /// - Throws: ``FuzzFinding`` for what must not be; a trap or a long wait is a finding as well.
    func check(_ input: [UInt8]) throws
}

extension FuzzSubject {
    func generate(_ random: SeededRandom) -> [UInt8]? { nil }

    /// Refuses what must not be.
    func demand(_ condition: Bool, _ broken: @autoclosure () -> String) throws(FuzzFinding) {
        guard condition else { throw FuzzFinding(description: broken()) }
    }
}

/// A broken promise.
struct FuzzFinding: Error, CustomStringConvertible {
    let description: String
}
