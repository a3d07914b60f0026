/// The difference of two texts in the unified form, for a person who decides on it.
struct LineDiff {
    private enum Line: Equatable {
        case same(String), removed(String), added(String)

        var text: String {
            switch self {
            case .same(let line): " " + line
            case .removed(let line): "-" + line
            case .added(let line): "+" + line
            }
        }

        var isChange: Bool {
            if case .same = self { return false }
            return true
        }
    }

    private let lines: [Line]
    private let name: String

    /// As many lines around a change as everybody's tools show.
    private static let context = 3

    init(from old: [UInt8], to new: [UInt8], name: String) {
        self.name = name
        let before = Self.lines(of: old)
        let after = Self.lines(of: new)
        let changes = after.difference(from: before)
        var removed = Set<Int>()
        var inserted = Set<Int>()
        for change in changes {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var lines: [Line] = []
        var (left, right) = (0, 0)
        while left < before.count || right < after.count {
            if removed.contains(left) {
                lines.append(.removed(before[left]))
                left += 1
            } else if inserted.contains(right) {
                lines.append(.added(after[right]))
                right += 1
            } else {
                lines.append(.same(before[left]))
                left += 1
                right += 1
            }
        }
        self.lines = lines
    }

    /// One string a line; none when the texts are equal.
    var unified: [String] {
        let changes = lines.indices.filter { lines[$0].isChange }
        guard let first = changes.first else { return [] }
        var hunks = [first...first]
        for change in changes.dropFirst() {
            if let last = hunks.last, change - last.upperBound <= 2 * Self.context + 1 {
                hunks[hunks.count - 1] = last.lowerBound...change
            } else {
                hunks.append(change...change)
            }
        }
        return ["--- \(name)", "+++ \(name)"] + hunks.flatMap(hunk)
    }

    private func hunk(_ changes: ClosedRange<Int>) -> [String] {
        let range =
            max(changes.lowerBound - Self.context, 0)...min(changes.upperBound + Self.context, lines.count - 1)
        func count(_ range: some Sequence<Int>, _ isCounted: (Line) -> Bool) -> Int {
            range.count { isCounted(lines[$0]) }
        }
        func isOld(_ line: Line) -> Bool { if case .added = line { false } else { true } }
        func isNew(_ line: Line) -> Bool { if case .removed = line { false } else { true } }
        let before = 0..<range.lowerBound
        func place(_ isCounted: (Line) -> Bool) -> String {
            let length = count(range, isCounted)
            // An empty side names the line before it.
            return "\(count(before, isCounted) + (length == 0 ? 0 : 1)),\(length)"
        }
        return ["@@ -\(place(isOld)) +\(place(isNew)) @@"] + lines[range].map(\.text)
    }

    /// The lines as a terminal may show them; tabs are kept, line ends are not.
    private static func lines(of bytes: [UInt8]) -> [String] {
        var lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0).printable }
                .joined(separator: "\t")
        }
    }
}
