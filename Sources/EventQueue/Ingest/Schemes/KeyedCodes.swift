import Crypto

/// HMAC-SHA256 under each of a source's secrets.
struct KeyedCodes: Sendable {
    private let keys: [(id: String, code: HMAC<SHA256>)]

    init(_ secrets: [Secret]) { self.init(secrets.map { ($0.keyID, $0.key) }) }

    /// - Parameter keys: Each with the id of the secret that it is made from.
    init(_ keys: [(id: String, key: SymmetricKey)]) {
        // Keying costs as much as a short body: it is done once, and each request takes a copy.
        self.keys = keys.map { ($0.id, HMAC<SHA256>(key: $0.key)) }
    }

    /// The id of the key under which one of `signatures` is that of `parts`, one after the other.
    ///
    /// - Throws: ``VerificationError/invalidSignature`` when there is none.
    func match(_ signatures: [[UInt8]], of parts: [UInt8]...) throws(VerificationError) -> String {
        var matched: String?
        // Every secret is tried, so the time taken does not tell which one matched.
        for key in keys {
            var code = key.code
            for part in parts { code.update(data: part) }
            let authentic = code.finalize()
            for signature in signatures {
                // Crypto compares in constant time.
                let isValid = authentic == signature
                if isValid, matched == nil { matched = key.id }
            }
        }
        guard let matched else { throw .invalidSignature }
        return matched
    }
}

extension HeaderLookup {
    /// The one value of a header that a scheme rests on.
    ///
    /// - Throws: ``VerificationError/missingSignature`` when there is none, and
    ///   ``VerificationError/invalidSignature`` for two: which of them was meant is the forger's choice.
    func single(_ name: String) throws(VerificationError) -> String {
        let values = values(of: name)
        guard let value = values.first else { throw .missingSignature }
        guard values.count == 1 else { throw .invalidSignature }
        return value
    }
}

/// The 32 bytes that 64 hexadecimal digits behind `prefix` name, in lower case as every sender writes them; `nil`
/// for anything else.
func codeBytes(hexadecimal text: some StringProtocol, prefix: String = "") -> [UInt8]? {
    guard text.utf8.count == prefix.utf8.count + 2 * SHA256.byteCount, text.utf8.starts(with: prefix.utf8) else {
        return nil
    }
    let digits = text[text.utf8.index(text.startIndex, offsetBy: prefix.utf8.count)...]
    guard !digits.utf8.contains(where: { (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) }) else { return nil }
    return bytes(hexadecimal: digits)
}
