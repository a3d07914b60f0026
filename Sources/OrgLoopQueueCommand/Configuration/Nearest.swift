/// Finds the word somebody probably meant.
enum Nearest {
    /// The candidate with the fewest edits, if these are few enough to be a slip.
    static func match(for word: String, among candidates: [String]) -> String? {
        let ranked = candidates.map { (word: $0, edits: edits(from: word, to: $0)) }
        guard let best = ranked.min(by: { $0.edits < $1.edits }) else { return nil }
        return best.edits <= max(2, best.word.count / 4) ? best.word : nil
    }

    /// The Levenshtein distance, by one row of its table.
    private static func edits(from one: String, to other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (line, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in other.indices {
                let substitution = diagonal + (letter == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substitution, row[column] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
