import Foundation

/// How measured numbers are written.
enum FigureText {
    /// Three digits that count, and no more than one behind the point where there are more before it.
    static func number(_ value: Double) -> String {
        let digits = value.magnitude >= 100 ? 0 : value.magnitude >= 10 ? 1 : 2
        return String(format: "%.\(digits)f", value)
    }

    static func ratio(_ value: Double) -> String { number(value) + " ×" }

    /// A time in the unit that suits it.
    static func time(microseconds: Double) -> String {
        switch microseconds.magnitude {
        case ..<1000: number(microseconds) + " µs"
        case ..<1_000_000: number(microseconds / 1000) + " ms"
        default: number(microseconds / 1_000_000) + " s"
        }
    }

    /// A part of a whole in percent.
    static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

    static func perSecond(_ value: Double) -> String { "\(Int(value.rounded()))/s" }

    /// A JSON number with three digits behind the point.
    static func json(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() && rounded.magnitude < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}
