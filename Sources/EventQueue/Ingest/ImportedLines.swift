/// The lines of a text that events are imported from, and what becomes of each.
package struct ImportedLines: Sendable {
    /// A line that is no event, or another one than is stored.
    package struct Rejection: Sendable, Equatable {
        /// Counted from 1.
        package let line: Int
        package let error: ImportError

        package init(line: Int, error: ImportError) {
            self.line = line
            self.error = error
        }
    }

    /// The events of the good lines, in their order.
    package private(set) var events: [ImportedEvent] = []
    /// How many lines hold anything.
    package private(set) var count = 0
    package private(set) var imported = 0
    package private(set) var present = 0
    package private(set) var restored = 0
    package private(set) var thinned = 0
    /// In the order of the lines.
    package private(set) var rejected: [Rejection] = []
    /// The lines of `events`, counted from 1.
    private var numbers: [Int] = []

    /// - Parameter receivedAt: When an event arrived whose line does not tell it.
    package init(_ text: [UInt8], receivedAt: Timestamp) {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (line, number) in zip(lines, 1...) where !ImportLine.isBlank(line) {
            count += 1
            do throws(ImportError) {
                events.append(try ImportLine.parse(Array(line), receivedAt: receivedAt))
                numbers.append(number)
            } catch {
                rejected.append(Rejection(line: number, error: error))
            }
        }
    }

    /// Notes what the store did with the events.
    package mutating func take(_ results: [Imported]) {
        for ((event, number), result) in zip(zip(events, numbers), results) {
            switch result {
            case .stored:
                imported += 1
                if event.content == nil { thinned += 1 }
            case .present: present += 1
            case .restored: restored += 1
            case .conflict(let other): rejected.append(Rejection(line: number, error: .conflict(with: other)))
            }
        }
        rejected.sort { $0.line < $1.line }
    }
}
