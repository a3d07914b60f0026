import EventQueue

/// The token of the consumer API, kept in a file that only its owner can read.
struct TokenFile {
    let path: String

    /// 256 random bits: nobody guesses them.
    private static let tokenBytes = 32

    /// The token; made and stored at the first start.
    func loadOrCreate() throws -> String {
        if let token = try load() { return token }
        let token = Self.makeToken()
        do {
            try PrivateFile.makeDirectory(ConfigurationLoader.directory(of: path))
            try PrivateFile.replace(path, with: Array((token + "\n").utf8))
        } catch {
            throw CommandFailure(message: error.message, mend: "Name another place with token_file.")
        }
        return token
    }

    /// A token that nobody knows yet.
    static func makeToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return hexadecimal((0..<tokenBytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// The stored token; `nil` when there is no file.
    func load() throws(CommandFailure) -> String? {
        let content: [UInt8]?
        do {
            content = try PrivateFile.read(path)
        } catch {
            throw CommandFailure(
                message: error.message,
                mend: "Run this as the user of the service, or set ORGLOOP_QUEUE_TOKEN.")
        }
        guard let content else { return nil }
        let token = String(decoding: content, as: UTF8.self)
            .trimmingPrefix { $0.isWhitespace }.prefix { !$0.isWhitespace }
        guard !token.isEmpty else {
            throw CommandFailure(
                message: "the token file \(path) is empty",
                mend: "Remove it and restart the service, which makes a new one.")
        }
        return String(token)
    }

    /// Whether others than the owner can read it.
    var isExposed: Bool { PrivateFile.isExposed(path) }
}
