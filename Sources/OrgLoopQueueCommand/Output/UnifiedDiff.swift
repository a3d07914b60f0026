/// The difference of two texts, as `diff -u` writes it and as a terminal may show it.
struct UnifiedDiff {
    /// Unchanged lines that are shown around a change.
    private static let contextLines = 3

    private enum Line {
        case same(Substring)
        case removed(Substring)
        case added(Substring)

        var text: String {
            switch self {
            case .same(let text): " " + Self.shown(text)
            case .removed(let text): "-" + Self.shown(text)
            case .added(let text): "+" + Self.shown(text)
            }
        }

        /// Tabs are kept, line ends are not.
        private static func shown(_ line: Substring) -> String {
            (line.last == "\r" ? line.dropLast() : line).split(separator: "\t", omittingEmptySubsequences: false)
                .map { String($0).printable }.joined(separator: "\t")
        }

        var isOld: Bool { if case .added = self { false } else { true } }
        var isNew: Bool { if case .removed = self { false } else { true } }
        var isChange: Bool { if case .same = self { false } else { true } }
    }

    let lines: [String]

    /// - Parameter old: `nil` for a file that is new.
    init(name: String, old: String?, new: String) {
        let merged = Self.merge(Self.split(old ?? ""), Self.split(new))
        // An absolute path is copied as it stands; a relative one is for `patch -p1`, like git's.
        let (before, after) = name.hasPrefix("/") ? (name, name) : ("a/" + name, "b/" + name)
        let head = ["--- \(old == nil ? "/dev/null" : before)", "+++ \(after)"]
        lines = merged.contains(where: \.isChange) ? head + Self.hunks(of: merged) : []
    }

    private static func split(_ text: String) -> [Substring] {
        // A carriage return belongs to its line, so a text is cut at its scalars.
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
            Substring($0)
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private static func merge(_ old: [Substring], _ new: [Substring]) -> [Line] {
        let difference = new.difference(from: old)
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var merged: [Line] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if removed.contains(left) {
                merged.append(.removed(old[left]))
                left += 1
            } else if added.contains(right) {
                merged.append(.added(new[right]))
                right += 1
            } else {
                merged.append(.same(old[left]))
                (left, right) = (left + 1, right + 1)
            }
        }
        return merged
    }

    private static func hunks(of merged: [Line]) -> [String] {
        var result: [String] = []
        for range in ranges(of: merged) {
            let part = merged[range]
            let before = merged[..<range.lowerBound]
            let old = span(before.count(where: \.isOld), part.count(where: \.isOld))
            let new = span(before.count(where: \.isNew), part.count(where: \.isNew))
            result += ["@@ -\(old) +\(new) @@"] + part.map(\.text)
        }
        return result
    }

    /// The stretches that are shown: changes with their context, joined where they touch.
    private static func ranges(of merged: [Line]) -> [Range<Int>] {
        merged.indices.filter { merged[$0].isChange }.reduce(into: [Range<Int>]()) { ranges, index in
            let lower = max(0, index - contextLines)
            let upper = min(merged.count, index + contextLines + 1)
            if let last = ranges.last, last.upperBound >= lower {
                ranges[ranges.count - 1] = last.lowerBound..<upper
            } else {
                ranges.append(lower..<upper)
            }
        }
    }

    private static func span(_ before: Int, _ count: Int) -> String {
        // An empty side is named by the line before it.
        "\(count == 0 ? before : before + 1)" + (count == 1 ? "" : ",\(count)")
    }
}
