/// A time that a sender has signed, which bounds how long a captured request can be used again.
struct SignedTime {
    /// As it was sent: the signature covers these digits.
    let text: String

    /// How far the sender's clock and the way here may be off: what Standard Webhooks, Stripe and Slack advise.
    private static let toleranceSeconds: Int64 = 300
    /// Seconds since 1970 have ten digits until the year 2286.
    private static let digitsMax = 12

    /// Takes seconds since 1970 in decimal digits, nothing else.
    ///
    /// - Parameter now: `nil` when it does not matter how long ago that is.
    /// - Throws: ``VerificationError/invalidSignature`` when it is something else, or too far from `now`.
    init(_ text: some StringProtocol, now: Timestamp?) throws(VerificationError) {
        let isNumber =
            (1...Self.digitsMax).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let seconds = Int64(text) else { throw .invalidSignature }
        if let now, abs(now.milliseconds / 1000 - seconds) > Self.toleranceSeconds { throw .invalidSignature }
        self.text = String(text)
    }
}
