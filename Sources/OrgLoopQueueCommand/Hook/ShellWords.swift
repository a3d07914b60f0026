/// A shell command cut into words, as far as it can be told without running it.
enum ShellWords {
    /// Whether a shell runs `command` as one program with arguments: no operator, comment or substitution in it.
    static func isOneCommand(_ command: String) -> Bool {
        var quote: Character?
        var isEscaped = false
        var isAtWord = true
        var isAtDollar = false
        for character in command {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if quote != "'", character == "`" {
                return false
            } else if quote == "\"", isAtDollar, character == "(" {
                return false
            } else if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if ";&|()<>\n".contains(character) || (character == "#" && isAtWord) {
                return false
            }
            isAtWord = quote == nil && character.isWhitespace
            isAtDollar = character == "$"
        }
        return quote == nil && !isEscaped
    }

    /// The words of `command` with their quotes removed.
    ///
    /// Variables stay as they are written, and operators separate words: enough to recognise a command, not
    /// to run one.
    static func split(_ command: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in command {
            if isEscaped {
                // In double quotes a backslash stays unless it escapes something.
                if quote == "\"", !"\"\\$`".contains(character) { word?.append("\\") }
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                word = word ?? ""
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "'" || character == "\"" {
                word = word ?? ""
                quote = character
            } else if character.isWhitespace || ";&|()<>".contains(character) {
                if let finished = word { words.append(finished) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return word.map { words + [$0] } ?? words
    }
}
