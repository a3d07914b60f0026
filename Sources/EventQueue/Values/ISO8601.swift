/// The one form of ISO 8601 that nearly every event has, `2025-01-15T10:30:00.000Z`, without a calendar.
///
/// Foundation, which knows the other forms, takes twenty times as long to print one: every event is stored and sent
/// with its time.
enum ISO8601 {
    /// From 1970 on years are four digits wide and no calendar was ever reformed, until the year 10000.
    private static let range = 0..<Int64(253_402_300_800_000)
    private static let millisecondsPerDay: Int64 = 86_400_000
    private static let length = 24

    /// The text for a time from 1970 to 9999; `nil` for another.
    static func text(_ milliseconds: Int64) -> String? {
        guard range.contains(milliseconds) else { return nil }
        return String(unsafeUninitializedCapacity: length) { write(milliseconds, to: $0) }
    }

    /// Appends the text for a time from 1970 to 9999; `false` for another.
    static func append(_ milliseconds: Int64, to bytes: inout [UInt8]) -> Bool {
        guard range.contains(milliseconds) else { return false }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { text in
            _ = write(milliseconds, to: text)
            bytes.append(contentsOf: text)
        }
        return true
    }

    /// Writes the text and returns how long it is.
    private static func write(_ milliseconds: Int64, to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let date = date(ofDay: milliseconds / millisecondsPerDay)
        let time = milliseconds % millisecondsPerDay
        var end = 0
        func put(_ byte: Unicode.Scalar) {
            text[end] = UInt8(ascii: byte)
            end += 1
        }
        func put(_ number: Int64, digits: Int) {
            var rest = number
            for place in stride(from: end + digits - 1, through: end, by: -1) {
                text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            end += digits
        }
        put(date.year, digits: 4)
        put("-")
        put(date.month, digits: 2)
        put("-")
        put(date.day, digits: 2)
        put("T")
        put(time / 3_600_000, digits: 2)
        put(":")
        put(time / 60_000 % 60, digits: 2)
        put(":")
        put(time / 1000 % 60, digits: 2)
        put(".")
        put(time % 1000, digits: 3)
        put("Z")
        return end
    }

    /// The milliseconds since 1970 that exactly this form names, with or without the fraction; `nil` for every other
    /// text, which may be a time nevertheless.
    static func milliseconds(_ text: String) -> Int64? {
        text.utf8.withContiguousStorageIfAvailable { milliseconds($0) } ?? nil
    }

    private static func milliseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let hasFraction = text.count == length
        guard hasFraction || text.count == length - 4, text[text.count - 1] == UInt8(ascii: "Z"),
            text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "T"),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            !hasFraction || text[19] == UInt8(ascii: "."),
            let year = number(text[0..<4]), let month = number(text[5..<7]), let day = number(text[8..<10]),
            let hour = number(text[11..<13]), let minute = number(text[14..<16]), let second = number(text[17..<19]),
            let fraction = hasFraction ? number(text[20..<23]) : 0,
            year >= 1970, hour < 24, minute < 60, second < 60
        else { return nil }
        let days = self.day(of: (year, month, day))
        // The date of that day is another one where the month is not that long.
        guard (1...12).contains(month), date(ofDay: days) == (year, month, day) else { return nil }
        return days * millisecondsPerDay + (hour * 3600 + minute * 60 + second) * 1000 + fraction
    }

    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int64? {
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return number
    }

    private typealias CivilDate = (year: Int64, month: Int64, day: Int64)

    // Years that begin in March have the leap day at their end, and 400 of them always have the same length:
    // https://howardhinnant.github.io/date_algorithms.html, for days from 1970 on.
    private static let daysBefore1970: Int64 = 719_468
    private static let daysPer400Years: Int64 = 146_097

    private static func date(ofDay day: Int64) -> CivilDate {
        let shifted = day + daysBefore1970
        let era = shifted / daysPer400Years
        let dayOfEra = shifted % daysPer400Years
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }

    private static func day(of date: CivilDate) -> Int64 {
        let year = date.month <= 2 ? date.year - 1 : date.year
        let yearOfEra = year % 400
        let dayOfYear = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return year / 400 * daysPer400Years + dayOfEra - daysBefore1970
    }
}
