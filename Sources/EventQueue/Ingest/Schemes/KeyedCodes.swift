/// HMAC-SHA256 under each of a source's secrets.
struct KeyedCodes: Sendable {
    private let keys: [(id: String, hash: KeyedHash)]

    init(_ secrets: [Secret]) { self.init(secrets.map { ($0.keyID, KeyedHash($0.key)) }) }

    /// - Parameter keys: Each with the id of the secret that it is made from.
    init(_ keys: [(id: String, hash: KeyedHash)]) { self.keys = keys }

    /// The id of the key under which one of `signatures` is that of `prefix` and `body`.
    ///
    /// - Throws: ``VerificationError/invalidSignature`` when there is none.
    func match(
        _ signatures: some Collection<Code>, of prefix: String = "", _ body: [UInt8]
    ) throws(VerificationError) -> String {
        var matched: String?
        // Every secret is tried, so the time taken does not tell which one matched.
        for key in keys {
            let authentic = key.hash.code(of: prefix, body)
            for signature in signatures {
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
        switch value(of: name) {
        case .none: throw .missingSignature
        case .one(let value): return value
        case .several: throw .invalidSignature
        }
    }
}
