/// A shell command cut into words, as far as it can be told without running it.
enum ShellWords {
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
