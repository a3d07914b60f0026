/// Why a database is not opened. The file is as it was.
public struct StartRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in one sentence that names the file.
    public let message: String
    /// What the operator can do.
    public let mend: String

    public init(_ message: String, mend: String) {
        self.message = message
        self.mend = mend
    }

    public var description: String { "\(message) \(mend)" }
}
