/// How the configuration spells amounts: durations and sizes.
enum Quantities {
    static let durationForm = "a duration: digits and ms, s, m, h or d, like 30s"
    static let bytesForm = "a number of bytes, or of KiB, MiB or GiB, like 64KiB"

    /// OrgLoop's durations: `^\d+(ms|s|m|h|d)$`; `nil` for anything else and for what overflows.
    static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [
            // The longer suffix first: every `ms` ends in `s`.
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        guard let (suffix, milliseconds) = units.first(where: { text.hasSuffix($0.0) }),
            let amount = integer(text.dropLast(suffix.count)),
            case let (total, overflow) = Int64(amount).multipliedReportingOverflow(by: milliseconds),
            !overflow
        else { return nil }
        return .milliseconds(total)
    }

    /// Bytes as a plain integer or with a binary unit; `nil` for anything else and for what overflows.
    static func bytes(_ text: String) -> Int? {
        let units: [(String, Int)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
        guard let (suffix, size) = units.first(where: { text.hasSuffix($0.0) }),
            let amount = integer(text.dropLast(suffix.count)),
            case let (total, overflow) = amount.multipliedReportingOverflow(by: size),
            !overflow
        else { return nil }
        return total
    }

    /// Digits only; `nil` for anything else, signs included.
    static func integer(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    /// A duration in the largest unit that spells it exactly.
    static func spelled(_ duration: Duration) -> String {
        let milliseconds =
            duration.components.seconds * 1000
            + duration.components.attoseconds / 1_000_000_000_000_000
        let units: [(String, Int64)] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        for (suffix, size) in units where milliseconds > 0 && milliseconds.isMultiple(of: size) {
            return "\(milliseconds / size)\(suffix)"
        }
        return "\(milliseconds)ms"
    }
}
